"""Reference data: places, codes, trades, law, identifiers, text."""
