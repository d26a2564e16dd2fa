"""Indexes: vectors or words to rows.  One file each; the file name is the key."""
