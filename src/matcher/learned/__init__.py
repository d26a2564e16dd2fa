"""Readers of what was trained: encoders, CPV, clauses, activities."""
