"""Inference with trained models: encoders, CPV, clauses, offers, activities, lots."""
