"""Who could do it: what is known of needs and structures as trades, and one judgement of both."""
