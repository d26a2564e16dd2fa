"""Rankers: columns to score.  One file each; the file name is the key."""
