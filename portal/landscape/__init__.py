"""Which API calls which: read from configuration and from traffic, and drawn by layer."""
