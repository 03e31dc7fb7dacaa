"""The parameters of a log output, as Fluent Bit names them, for the types that this gateway has."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from gateway_runtime.local.configuration_kind import LogOutput as Written
from gateway_runtime.local.place import Place
from gateway_runtime.schema.log_output import Collector, LogHttp, LogOutput, LogSyslog, LogTls

_TLS = ("tls", "tls.verify", "tls.ca_file", "tls.crt_file", "tls.key_file", "tls.key_passwd", "tls.vhost")
_DATE = ("json_date_key", "json_date_format")
PARAMETERS: dict[str, tuple[str, ...]] = {
    "stdout": ("format", *_DATE),
    "file": ("path", "file", "mkdir", "format"),
    "http": ("host", "port", "uri", "format", "header", "http_user", "http_passwd", "compress", *_DATE, *_TLS),
    "tcp": ("host", "port", "format", *_DATE, *_TLS),
    "udp": ("host", "port", "format", *_DATE),
    "syslog": (
        "host", "port", "mode", "syslog_format", "syslog_maxsize", "syslog_facility_preset", "syslog_severity_preset",
        "syslog_hostname_preset", "syslog_appname_preset", *_TLS,
    ),
    "forward": ("host", "port", "tag", *_TLS),
}  # fmt: skip
# What `format` may be, the usual one first.
FORMATS = {
    "stdout": ("json_lines",), "file": ("plain",), "http": ("json", "json_lines"), "tcp": ("json_lines",),
    "udp": ("json_lines",),
}  # fmt: skip
PORTS = {"http": 80, "tcp": 5170, "udp": 5170, "syslog": 514, "forward": 24_224}
# Each line has its time already.
_DATES = {"json_date_key": ("@timestamp", "false"), "json_date_format": ("iso8601",)}
_SWITCH = {"on": True, "off": False, "true": True, "false": False}
_MAXIMUM = {"rfc5424": 2048, "rfc3164": 1024}

_match_host = re.compile(r"[A-Za-z0-9._:-]{1,253}").fullmatch
_match_uri = re.compile(r"/[!-~]*").fullmatch
_match_header_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_match_header_value = re.compile(r"[\t -~]+").fullmatch
_match_tag = re.compile(r"[!-~]{1,256}").fullmatch


def hint(name: str, known: Collection[str]) -> str:
    """Return which known name may be meant, or all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean “{near[0]}”?" if near else f"Known are {', '.join(known)}."


def read_output(written: Written, place: Place) -> LogOutput:
    """Return an output for the document. Raises `FileFault`."""
    kind = written.type.lower()
    if kind not in PARAMETERS:
        message = f"Outputs of the type “{written.type}” are not supported by this gateway. {hint(kind, PARAMETERS)}"
        raise place.at("type").fault(message, "not_supported")
    given = _Given(kind, written.parameters or {}, place)
    if kind == "stdout":
        return LogOutput(type="stdout")
    if kind == "file":
        return LogOutput(type="file", path=_path(given), mkdir=given.switch("mkdir"))
    return LogOutput(type=kind, collector=_collector(kind, given))  # type: ignore[arg-type]


class _Given:
    """What is written of one output, by the names that Fluent Bit has, which does not mind how they are capitalized."""

    def __init__(self, kind: str, parameters: Mapping[str, Any], place: Place) -> None:
        self.place = place
        self._values: dict[str, Any] = {}
        self._keys: dict[str, str] = {}
        for key, value in parameters.items():
            name = key.lower()
            here = place.at("parameters", key)
            if name not in PARAMETERS[kind]:
                message = f"There is no parameter “{key}” of {kind}. {hint(name, PARAMETERS[kind])}"
                raise here.fault(message, "unknown_setting")
            if name in self._values:
                raise here.fault(f"The parameter “{name}” is there twice.", "duplicate_key")
            if name == "format" and value not in FORMATS[kind]:
                message = f"Lines are JSON objects: leave it out, or write {' or '.join(FORMATS[kind])}."
                raise here.fault(message, "not_supported")
            if name in _DATES and str(value).lower() not in _DATES[name]:
                message = f"Each line has its time in “@timestamp”: leave it out, or write {_DATES[name][0]}."
                raise here.fault(message, "not_supported")
            self._values[name], self._keys[name] = value, key

    def at(self, name: str) -> Place:
        """Return where a parameter stands, or would stand."""
        return self.place.at("parameters", self._keys.get(name, name))

    def has(self, name: str) -> bool:
        return name in self._values

    def value(self, name: str) -> Any:
        return self._values.get(name)

    def text(self, name: str, default: str = "") -> str:
        """Return text that is not empty where it is given."""
        if name not in self._values:
            return default
        value = self._values[name]
        if not (isinstance(value, str) and value):
            raise self.at(name).fault("It must be text that is not empty.")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self._values.get(name, default)
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise self.at(name).fault(f"It must be a whole number from {low} to {high}.")
        return int(text)

    def switch(self, name: str, *, default: bool = False) -> bool:
        if name not in self._values:
            return default
        found = _SWITCH.get(str(self._values[name]).lower())
        if found is None:
            raise self.at(name).fault("It must be true or false.")
        return found

    def one_of(self, name: str, *choices: str) -> str:
        """Return one of these; the first is what is meant without it."""
        value = str(self._values.get(name, choices[0])).lower()
        if value not in choices:
            raise self.at(name).fault(f"It must be one of {', '.join(choices)}.")
        return value


def _path(given: _Given) -> str:
    if not given.has("file"):
        raise given.at("file").fault("This setting is required.", "required")
    path = os.path.join(given.text("path"), given.text("file"))
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        key = "path" if given.has("path") else "file"
        raise given.at(key).fault(f"“{path}” is not the whole path of a file: it begins with “/”.")
    return os.path.normpath(path)


def _collector(kind: str, given: _Given) -> Collector:
    host = given.text("host", "127.0.0.1")
    if not _match_host(host):
        raise given.at("host").fault(f"“{host}” is not a host name or address.", "invalid_address")
    mode = given.one_of("mode", "udp", "tcp", "tls") if kind == "syslog" else kind
    return Collector(
        host=host,
        port=given.number("port", PORTS[kind], 1, 65_535),
        datagrams=mode == "udp",
        tls=_tls(given) if mode == "tls" or given.switch("tls") else None,
        http=_http(given) if kind == "http" else None,
        syslog=_syslog(given) if kind == "syslog" else None,
        tag=_tag(given) if kind == "forward" else "",
    )


def _tls(given: _Given) -> LogTls:
    made = LogTls(
        ca_file=given.text("tls.ca_file"),
        certificate_file=given.text("tls.crt_file"),
        key_file=given.text("tls.key_file"),
        passphrase=given.text("tls.key_passwd"),
        server_name=given.text("tls.vhost"),
        verify=given.switch("tls.verify", default=True),
    )
    for name, path in (
        ("tls.ca_file", made.ca_file),
        ("tls.crt_file", made.certificate_file),
        ("tls.key_file", made.key_file),
    ):
        if path and not os.access(path, os.R_OK):
            raise given.at(name).fault(f"The file {path} cannot be read.", "files_unreadable")
    from gateway_runtime.telemetry.log_socket import tls_context

    try:
        tls_context(made)
    except OSError as error:
        name = "tls.crt_file" if made.certificate_file else "tls.ca_file"
        raise given.at(name).fault(
            "TLS cannot be spoken with this: it is no PEM, or the key is another one."
        ) from error
    return made


def _http(given: _Given) -> LogHttp:
    uri = given.text("uri", "/")
    if not _match_uri(uri):
        raise given.at("uri").fault(f"“{uri}” is not a path: it begins with “/” and has no spaces.")
    compress = given.one_of("compress", "false", "gzip")
    headers = [_header(each, given) for each in _list(given.value("header"))]
    if given.has("http_user") or given.has("http_passwd"):
        headers.append(("Authorization", basic(given.text("http_user"), given.text("http_passwd"))))
    form = given.one_of("format", *FORMATS["http"])
    return LogHttp(uri=uri, form=form, compress=compress == "gzip", headers=tuple(headers))  # type: ignore[arg-type]


def basic(user: str, password: str) -> str:
    """Return the value of a header with credentials (RFC 7617)."""
    from base64 import b64encode

    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _header(written: Any, given: _Given) -> tuple[str, str]:
    """Return a header as Fluent Bit has it: the name, a space, the value."""
    name, _, value = written.partition(" ") if isinstance(written, str) else ("", "", "")
    if not _match_header_name(name) or not _match_header_value(value.strip()):
        raise given.at("header").fault("Write the name of the header, a space and its value; several as a list.")
    return name, value.strip()


def _syslog(given: _Given) -> LogSyslog:
    form = given.one_of("syslog_format", "rfc5424", "rfc3164")
    return LogSyslog(
        form=form,  # type: ignore[arg-type]
        facility=given.number("syslog_facility_preset", 1, 0, 23),
        severity=given.number("syslog_severity_preset", 0, 0, 7) if given.has("syslog_severity_preset") else -1,
        host=given.text("syslog_hostname_preset"),
        application=given.text("syslog_appname_preset", "portico"),
        most_bytes=given.number("syslog_maxsize", _MAXIMUM[form], 480, 65_000),
    )


def _tag(given: _Given) -> str:
    tag = given.text("tag", "portico")
    if not _match_tag(tag):
        raise given.at("tag").fault(f"“{tag}” is not a tag: it has no spaces.")
    return tag
