"""Pages of the developer hub."""
