"""Where log lines are written."""

from typing import Literal

from gateway_runtime.schema.part import Part


class LogOutput(Part, frozen=True):
    """One place: standard output, or a file with its whole `path`. With `mkdir` its folder is made if need be."""

    type: Literal["stdout", "file"]
    path: str = ""
    mkdir: bool = False
