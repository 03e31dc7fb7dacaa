"""What is shown in the place of a secret."""

MASK = "********"
