"""Single requests as the gateways told of them: why one was refused, and every step of those that were traced."""
