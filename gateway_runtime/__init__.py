"""The gateway: a separate process that carries API traffic and reads its configuration from Redis."""

VERSION = "0.1.0"
