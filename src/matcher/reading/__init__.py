"""Bytes or a typed need to tenders, structures and awards."""
