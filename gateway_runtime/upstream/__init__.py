"""Connections to services: pooled per target, read strictly, never reused in doubt."""
