"""Clients of the publishers of notices, awards, structures and tables."""
