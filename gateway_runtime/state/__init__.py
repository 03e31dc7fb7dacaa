"""Counters and caches of policies: in this worker's memory, or shared by all replicas through Redis."""
