"""OpenAPI documents: reading them safely, finding their faults, fetching them."""
