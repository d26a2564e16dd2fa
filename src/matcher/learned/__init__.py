"""Inference with trained models: encoders, CPV, offers, activities, vocation."""
