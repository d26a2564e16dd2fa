"""Signals: a shortlist to one column.  One file each; the file name is the key.

To add one, write a file with `measure(shortlist) -> column` and `explain(shortlist, i, value) -> str`,
and name it in a recipe with its weight.
"""
