"""Policies applied to API instances; form, serializer and documentation derive from the policy definitions."""
