"""`logging.outputs`: defined once, named by the logs, of the types that this gateway has."""

import pytest

from gateway_runtime.local.dump import effective
from gateway_runtime.schema.log_output import Collector, LogHttp, LogOutput, LogSyslog, LogTls
from tests.gateway_runtime.local.kit import fault, loaded, resource

DEFINED = """
logging:
  outputs:
    - {{name: console, type: stdout}}
    - {{name: disk, type: file, parameters: {parameters}}}
  runtimeLogs: {{outputs: [disk]}}
  accessLogs: {{outputs: [console, disk]}}
"""


def configuration(spec: str, name: str = "logs") -> str:
    return resource("Configuration", name, spec)


def defined(parameters: str) -> str:
    return configuration(DEFINED.format(parameters=parameters))


@pytest.mark.parametrize(
    ("parameters", "path", "mkdir"),
    [
        ("{path: /var/log/gateway, file: all.log}", "/var/log/gateway/all.log", False),
        ("{path: /var/log/gateway/, file: all.log, mkdir: true}", "/var/log/gateway/all.log", True),
        ("{Path: /var/log, File: all.log, Mkdir: 'On', Format: plain}", "/var/log/all.log", True),
        ("{file: /var/log/all.log}", "/var/log/all.log", False),
    ],
)
def test_outputs_reach_the_document_for_the_logs_that_name_them(parameters: str, path: str, mkdir: bool) -> None:
    made = loaded(defined(parameters))
    disk = LogOutput(type="file", path=path, mkdir=mkdir)
    assert made.document.runtime_log_outputs == [disk]
    assert made.document.access_log_outputs == [LogOutput(type="stdout"), disk]
    assert made.notes == []


def test_an_output_may_be_defined_in_another_resource() -> None:
    made = loaded(
        configuration("logging: {runtimeLogs: {outputs: [console]}}"),
        configuration("logging: {outputs: [{name: console, type: stdout}]}", "outputs"),
    )
    assert made.document.runtime_log_outputs == [LogOutput(type="stdout")]


def test_without_names_the_logs_go_where_they_always_went() -> None:
    made = loaded(configuration("logging: {runtimeLogs: {outputs: {anypoint: disabled}}, accessLogs: {outputs: []}}"))
    assert (made.document.runtime_log_outputs, made.document.access_log_outputs) == ([], [])


def test_an_output_that_no_log_names_is_told() -> None:
    (note,) = loaded(configuration("logging: {outputs: [{name: console, type: stdout}]}")).notes
    assert str(note) == "api.yaml:6: spec.logging.outputs[0]: No log names the output “console” in its “outputs”."


@pytest.mark.parametrize("kind", ["splunk", "es", "kafka", "s3", "null", "loki"])
def test_every_other_type_is_refused_by_name_with_those_that_are_known(kind: str) -> None:
    spec = (
        f"logging: {{outputs: [{{name: a, type: '{kind}', parameters: {{host: b}}}}], runtimeLogs: {{outputs: [a]}}}}"
    )
    assert fault(configuration(spec)) == (
        f"api.yaml:6: spec.logging.outputs[0].type: Outputs of the type “{kind}” are not supported by this gateway. "
        "Known are stdout, file, http, tcp, udp, syslog, forward."
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("{path: /var/log}", "parameters.file: This setting is required."),
        ("{path: logs, file: a}", "parameters.path: “logs/a” is not the whole path of a file: it begins with “/”."),
        ("{file: a}", "parameters.file: “a” is not the whole path of a file: it begins with “/”."),
        ("{path: /var/log, file: a/}", "parameters.path: “/var/log/a/” is not the whole path of a file"),
        ("{path: /var/log, file: 7}", "parameters.file: It must be text that is not empty."),
        ("{path: /var/log, file: a, mkdir: maybe}", "parameters.mkdir: It must be true or false."),
        ("{path: /var/log, file: a, format: csv}", "parameters.format: Lines are JSON objects: leave it out, or write"),
        ("{path: /var/log, fil: a}", "parameters.fil: There is no parameter “fil” of file. Did you mean “file”?"),
    ],
)
def test_parameters_are_checked_where_they_stand(parameters: str, sentence: str) -> None:
    found = fault(defined(parameters))
    assert found.startswith(f"api.yaml:9: spec.logging.outputs[1].{sentence}")


COLLECTED = """
logging:
  outputs: [{{name: away, type: {kind}, parameters: {parameters}}}]
  runtimeLogs: {{outputs: [away]}}
"""


def collector(kind: str, parameters: str, more: str = "", **environment: str) -> LogOutput:
    (found,) = loaded(
        configuration(COLLECTED.format(kind=kind, parameters=parameters) + more), **environment
    ).document.runtime_log_outputs
    return found


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        ("http", "{}", Collector(host="127.0.0.1", port=80, http=LogHttp())),
        (
            "http",
            "{Host: logs.example, Port: '8080', URI: /take, Format: json_lines, header: [X-A b c, X-B d], "
            "compress: gzip, http_user: ada, http_passwd: $PASSWORD, json_date_key: false, json_date_format: iso8601}",
            Collector(
                host="logs.example",
                port=8080,
                http=LogHttp(
                    uri="/take",
                    form="json_lines",
                    compress=True,
                    headers=(("X-A", "b c"), ("X-B", "d"), ("Authorization", "Basic YWRhOnNlc2FtZQ==")),
                ),
            ),
        ),
        ("http", "{tls: on, tls.verify: off, tls.vhost: a.example}", Collector(
            host="127.0.0.1", port=80, http=LogHttp(), tls=LogTls(verify=False, server_name="a.example"))),
        ("tcp", "{host: '::1', format: json_lines}", Collector(host="::1", port=5170)),
        ("udp", "{port: 99}", Collector(host="127.0.0.1", port=99, datagrams=True)),
        ("syslog", "{}", Collector(host="127.0.0.1", port=514, datagrams=True, syslog=LogSyslog())),
        (
            "syslog",
            "{mode: tls, syslog_format: rfc3164, syslog_facility_preset: 16, syslog_severity_preset: 0, "
            "syslog_hostname_preset: edge, syslog_appname_preset: gate, syslog_maxsize: 600}",
            Collector(
                host="127.0.0.1",
                port=514,
                tls=LogTls(),
                syslog=LogSyslog(
                    form="rfc3164", facility=16, severity=0, host="edge", application="gate", most_bytes=600
                ),
            ),
        ),
        ("forward", "{tag: edge.logs}", Collector(host="127.0.0.1", port=24_224, tag="edge.logs")),
    ],
)  # fmt: skip
def test_a_collector_reaches_the_document(kind: str, parameters: str, expected: Collector) -> None:
    assert collector(kind, parameters, PASSWORD="sesame") == LogOutput(type=kind, collector=expected)  # type: ignore


@pytest.mark.parametrize(
    ("kind", "parameters", "sentence"),
    [
        ("http", "{hots: a}", "hots: There is no parameter “hots” of http. Did you mean “host”?"),
        ("http", "{host: 'a b'}", "host: “a b” is not a host name or address."),
        ("http", "{host: a, Host: b}", "Host: The parameter “host” is there twice."),
        ("http", "{port: 0}", "port: It must be a whole number from 1 to 65535."),
        ("http", "{port: true}", "port: It must be a whole number from 1 to 65535."),
        ("http", "{uri: a}", "uri: “a” is not a path: it begins with “/” and has no spaces."),
        ("http", "{format: msgpack}", "format: Lines are JSON objects: leave it out, or write json or json_lines."),
        ("http", "{json_date_key: date}", "json_date_key: Each line has its time in “@timestamp”"),
        ("http", "{compress: zstd}", "compress: It must be one of false, gzip."),
        ("http", "{header: X-A}", "header: Write the name of the header, a space and its value"),
        ("http", '{header: ["X-A a", "X-B a\\r\\nX-C: b"]}', "header: Write the name of the header, a space"),
        ("tcp", "{tls: on, tls.ca_file: /none}", "tls.ca_file: The file /none cannot be read."),
        ("tcp", "{tls: on, tls.ca_file: /etc/hostname}", "tls.ca_file: TLS cannot be spoken with this"),
        ("tcp", "{tls: maybe}", "tls: It must be true or false."),
        ("udp", "{tls: on}", "tls: There is no parameter “tls” of udp."),
        ("syslog", "{mode: unix}", "mode: It must be one of udp, tcp, tls."),
        ("syslog", "{syslog_facility_preset: 24}", "syslog_facility_preset: It must be a whole number from 0 to 23."),
        ("forward", "{tag: 'a b'}", "tag: “a b” is not a tag: it has no spaces."),
        ("forward", "{shared_key: a}", "shared_key: There is no parameter “shared_key” of forward."),
    ],
)
def test_parameters_of_a_collector_are_checked_where_they_stand(kind: str, parameters: str, sentence: str) -> None:
    found = fault(configuration(COLLECTED.format(kind=kind, parameters=parameters)))
    assert found.startswith(f"api.yaml:7: spec.logging.outputs[0].parameters.{sentence}")


PROXY = (
    "forwardProxy: {https: {address: 'http://proxy.example:3128', basicAuth: {username: a, password: b}}, "
    "noProxy: [own.example]}"
)


def test_lines_that_are_posted_go_through_the_forward_proxy() -> None:
    found = collector("http", "{host: logs.example}", PROXY)
    assert found.collector is not None
    assert found.collector.http == LogHttp(proxy="proxy.example:3128", proxy_credentials="Basic YTpi")
    assert collector("http", "{host: own.example}", PROXY).collector == Collector(
        host="own.example", port=80, http=LogHttp()
    )
    assert collector("tcp", "{host: logs.example}", PROXY).collector == Collector(host="logs.example", port=5170)


def test_a_dump_shows_a_collector_without_its_secrets() -> None:
    made = loaded(configuration(COLLECTED.format(
        kind="http", parameters="{host: logs.example, header: [X-Key sesame], http_user: a, http_passwd: barley}"
    )))  # fmt: skip
    (shown,) = effective(made)["configuration"]
    assert shown["runtimeLogOutputs"] == [
        {"type": "http", "host": "logs.example", "port": 80, "tls": False, "uri": "/", "proxy": None}
    ]
    assert "sesame" not in repr(made.document.runtime_log_outputs)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            "logging: {outputs: [{name: console, type: stdout}], accessLogs: {outputs: [consol]}}",
            "spec.logging.accessLogs.outputs[0]: There is no output “consol”. Did you mean “console”?",
        ),
        (
            "logging: {runtimeLogs: {outputs: [console]}}",
            "spec.logging.runtimeLogs.outputs[0]: There is no output “console”. None is defined",
        ),
        (
            "logging: {runtimeLogs: {outputs: {anypoint: enabled}}}",
            "spec.logging.runtimeLogs.outputs: Give a list of the names of outputs, or “anypoint: disabled”.",
        ),
        (
            "logging: {outputs: [{name: a, type: stdout}, {name: a, type: stdout}], accessLogs: {outputs: [a]}}",
            "spec.logging.outputs[1].name: There is an output “a” in api.yaml:6, too.",
        ),
    ],
)
def test_names_are_checked(spec: str, sentence: str) -> None:
    assert fault(configuration(spec)).partition(": ")[2].startswith(sentence)


def test_outputs_of_one_log_in_two_places_are_refused_with_both() -> None:
    first = configuration("logging: {outputs: [{name: a, type: stdout}], runtimeLogs: {outputs: [a]}}")
    assert fault(first, configuration("logging: {runtimeLogs: {outputs: [a]}}", "more")) == (
        "api.yaml:13: spec.logging.runtimeLogs.outputs: This is also set in api.yaml:6. Keep one of them."
    )
