"""The catalog: APIs, their versions and specifications. Nothing here carries traffic."""
