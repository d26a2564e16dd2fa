"""Training, evaluation, benchmark, reliability, synthetic data; imported by no other wing."""
