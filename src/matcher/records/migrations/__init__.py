"""Migrations of the store, one file a version, newest named by `store.HEAD`."""
