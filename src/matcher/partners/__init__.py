"""The same machinery from the side of a structure: partners, opportunities, subcontracting."""
