"""Where the platform itself is."""

from gateway_runtime.schema.part import Part


class PlatformAddress(Part, frozen=True):
    """A host and port of the portal or its stores, which no service of an API may be."""

    host: str
    port: int
