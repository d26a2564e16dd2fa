"""Consortia for the lots of a tender, chosen by exact optimisation."""
