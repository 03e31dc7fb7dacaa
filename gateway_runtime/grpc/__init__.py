"""Calls of gRPC that the gateway itself makes."""
