"""The path of a tender: search, signals, ranker, judgement, reasons, groups."""
