"""Structures as columns on disk: build, files, filters, indexes, denials."""
