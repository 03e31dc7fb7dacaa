"""A port of its own for probes."""

from typing import Annotated

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting


class Probe(Part, frozen=True):
    """Where readiness and liveness are told without the other pages of the admin port, on every address."""

    port: Annotated[
        int,
        setting(
            "Port", "It tells /probes/readiness and /probes/liveness, on every address.", bounds={"ge": 1, "le": 65_535}
        ),
    ]
