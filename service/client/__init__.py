"""Clients that a portal or a program takes away: the Python client, generated, and the search box."""
