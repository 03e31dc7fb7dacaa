"""Traffic as the gateways counted it: ingest, rollups and the figures drawn from them."""
