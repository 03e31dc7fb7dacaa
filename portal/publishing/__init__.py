"""From rows to a running gateway: builds, seals and publishes revisions. The only writer of gateway configuration."""
