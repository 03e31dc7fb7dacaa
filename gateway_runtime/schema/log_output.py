"""Where log lines are written or sent."""

from typing import Annotated, Literal

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.secret import SECRET, Secret


class LogTls(Part, frozen=True):
    """TLS to a collector: files on this machine, and the name that its certificate has to have, else its host."""

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    passphrase: Secret = ""
    server_name: str = ""
    verify: bool = True

    def __repr__(self) -> str:
        # The generated form would show the passphrase.
        return f"LogTls(ca_file={self.ca_file!r}, verify={self.verify!r})"


class LogHttp(Part, frozen=True):
    """How lines are posted: to which path, in which form, with what besides. `proxy` (host:port) is a forward one."""

    uri: str = "/"
    form: Literal["json", "json_lines"] = "json"
    compress: bool = False
    headers: Annotated[tuple[tuple[str, str], ...], SECRET] = ()
    proxy: str = ""
    proxy_credentials: Secret = ""

    def __repr__(self) -> str:
        # The generated form would show what a header is for.
        return f"LogHttp(uri={self.uri!r})"


class LogSyslog(Part, frozen=True):
    """What is around each line. `severity` of -1: as the line itself says."""

    form: Literal["rfc5424", "rfc3164"] = "rfc5424"
    facility: int = 1
    severity: int = -1
    host: str = ""
    application: str = "portico"
    most_bytes: int = 2048


class Collector(Part, frozen=True):
    """A program at the other end of a network. `datagrams`: one UDP datagram for each line; `tag` is for `forward`."""

    host: str
    port: int
    datagrams: bool = False
    tls: LogTls | None = None
    http: LogHttp | None = None
    syslog: LogSyslog | None = None
    tag: str = ""


class LogOutput(Part, frozen=True):
    """One place: standard output, a file with its whole `path`, or a collector. With `mkdir` the folder is made."""

    type: Literal["stdout", "file", "http", "tcp", "udp", "syslog", "forward"]
    path: str = ""
    mkdir: bool = False
    collector: Collector | None = None
