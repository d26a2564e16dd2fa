"""Matching: candidates of a lot, their evidence, and one judgement of who is a lead."""
