"""Template tags of the developer hub."""
