"""Persistent state: store, tables, keys, feedback, declarations, exchange."""
