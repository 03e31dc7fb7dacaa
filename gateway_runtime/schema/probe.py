"""A port of its own for probes."""

from gateway_runtime.schema.part import Part


class Probe(Part, frozen=True):
    """Where readiness and liveness are told without the other pages of the admin port, on every address."""

    port: int
