"""Organizations, their environments, and who holds which role where."""
