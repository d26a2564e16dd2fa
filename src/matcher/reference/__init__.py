"""What is true of France and of the trade: places, codes, trades, law, identifiers, text."""
