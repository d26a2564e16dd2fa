"""The Python client, written from the schema of the API: `python -m service.client > matcher_client.py`."""
