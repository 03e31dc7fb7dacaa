"""Client applications, their credentials, SLA tiers and contracts."""
