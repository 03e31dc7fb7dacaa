"""Gateways, their listeners and their replicas."""
