"""Where the log lines of a gateway go, as people say it: a row for each place.

Files are left to whoever runs the machine (declarative files): a path said here would let an owner of the gateway write
what callers send into any file of its user.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from gateway_runtime.schema.log_output import Collector, LogHttp, LogOutput, LogSyslog, LogTls
from gateway_runtime.schema.policy import setting

_PORTS = {"http": 80, "tcp": 5170, "udp": 5170, "syslog": 514, "forward": 24_224}


class WrittenOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One place."""

    type: Annotated[
        Literal["stdout", "http", "tcp", "udp", "syslog", "forward"],
        setting(
            "Kind",
            "stdout is what the process itself writes, forward the protocol of Fluent Bit; each line is JSON.",
            verbatim=True,
        ),
    ]
    host: Annotated[
        str,
        setting(
            "Host", "Who takes the lines: name or address.", pattern=r"^([A-Za-z0-9._:-]{1,253})?$",
            placeholder="logs.example.com",
        ),
    ] = ""  # fmt: skip
    port: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=65_535)] | None,
        setting("Port", "Empty: the usual one, such as 514 for syslog."),
    ] = None
    tls: Annotated[bool, setting("TLS", "Lines are encrypted, and the certificate has to fit the host.")] = False
    uri: Annotated[
        str,
        setting("Path", "Where lines are posted.", only_with="type=http", pattern=r"^/[!-~]*$", max_length=2000),
    ] = "/"
    tag: Annotated[
        str,
        setting("Tag", "How the collector calls them.", only_with="type=forward", pattern=r"^[!-~]{1,256}$"),
    ] = "portico"


def outputs_part(rows: Iterable[WrittenOutput]) -> list[LogOutput]:
    """Return rows as the document has them."""
    return [_output(row) for row in rows]


def row_fault(row: WrittenOutput) -> tuple[str, str]:
    """Return the setting of a row that is wrong beside the others, and the sentence; empty where nothing is."""
    if row.type == "stdout":
        return "", ""
    if not row.host:
        return "host", "Say who takes the lines."
    if row.tls and row.type == "udp":
        return "tls", "TLS cannot be spoken over UDP. Choose tcp or syslog."
    return "", ""


def _output(row: WrittenOutput) -> LogOutput:
    if row.type == "stdout":
        return LogOutput(type="stdout")
    return LogOutput(
        type=row.type,
        collector=Collector(
            host=row.host,
            port=row.port or _PORTS[row.type],
            datagrams=row.type in ("udp", "syslog") and not row.tls,
            tls=LogTls() if row.tls else None,
            http=LogHttp(uri=row.uri) if row.type == "http" else None,
            syslog=LogSyslog() if row.type == "syslog" else None,
            tag=row.tag if row.type == "forward" else "",
        ),
    )
