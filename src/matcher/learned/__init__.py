"""Inference with trained models: encoders, CPV, clauses, offers, activities, and what a lot asks."""
