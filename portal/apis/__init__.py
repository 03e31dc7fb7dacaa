"""API instances: one version of an API managed in one environment on one gateway."""
