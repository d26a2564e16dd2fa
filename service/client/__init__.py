"""Clients for portals and programs: the Python client, generated, and the search box."""
