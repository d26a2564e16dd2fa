"""What must last: store, tables, keys, feedback, declarations, exchange."""
