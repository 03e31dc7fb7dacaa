"""Rules that watch traffic, gateways, certificates and contracts, and what is told when they are met."""
