"""The same machinery turned round: partners, opportunities, subcontracting."""
