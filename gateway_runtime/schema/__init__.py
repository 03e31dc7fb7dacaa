"""Everything portal and gateway must agree on: documents, policy definitions, key names, telemetry.

This package is the only part of the gateway that the portal may import besides the policy registry and `decide`.
It needs msgspec and cryptography and nothing else.
"""
