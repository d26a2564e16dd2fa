"""Teams for the lots of a tender, chosen exactly."""
