"""The product's documentation, served by the product."""
