"""The night and the mail: batch, digests, delivery, report, sourcing."""
