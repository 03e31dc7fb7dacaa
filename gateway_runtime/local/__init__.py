"""Local mode: the gateway's configuration as YAML files in the documented form of Flex Gateway, without a portal."""
