"""What the gateway itself asks of others, such as key sets: a small client, and answers that are kept and renewed."""
