"""Real gRPC clients and services with the real gateway between them, in clear text and with TLS."""

import ast
import http.client
import ssl
from collections.abc import Iterator

import grpc
import pytest

from tests.certificates import Authority
from tests.integration.gateway.conftest import GatewayProcess
from tests.integration.gateway.rpc import CHUNK, SERVICE, Caller, serve
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: rpc}}
spec:
  address: {scheme}://127.0.0.1:{port}/
  services: {{orders: {{address: "http://localhost:{service}", protocol: http2}}}}
  policies:
    - policyRef: {{name: http-basic-authentication-flex}}
      config: {{username: ada, password: sesame}}
      rules: [{{path: /locked.*}}]
{tls}
"""
TLS = """\
    - policyRef: {{name: tls}}
      config: {{certificate: {{crt: $CRT, key: $KEY}}}}
"""


@pytest.fixture(scope="module")
def orders() -> Iterator[int]:
    """Return the port of a gRPC service."""
    server, port = serve()
    yield port
    server.stop(None)


@pytest.fixture(scope="module", params=["clear text", "TLS"])
def caller(request: pytest.FixtureRequest, orders: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Return a client of a gateway in front of it."""
    folder = tmp_path_factory.mktemp("rpc")
    secure = request.param == "TLS"
    authority = Authority()
    pair = authority.issue("localhost", "127.0.0.1")
    (port,) = free_ports(1)
    conf = folder / "conf.yaml"
    text = FILES.format(
        scheme="https" if secure else "http", port=port, service=orders, tls=TLS.format() if secure else ""
    )
    conf.write_text(text)
    gateway = GatewayProcess(
        folder, config=conf, workers=1, environment={"CRT": pair.certificate, "KEY": pair.key}
    ).start()
    try:
        wait_until(lambda: gateway.page("/readyz").status == 200, seconds=15, what="the gateway")
        target = f"127.0.0.1:{port}"
        if secure:
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(authority.pem.encode()))
        else:
            channel = grpc.insecure_channel(target)
        with channel:
            yield Caller(channel, port, secure)
        assert '"log.level":"error"' not in gateway.log, gateway.log[-3000:]
    finally:
        gateway.terminate()
        gateway.wait()


def test_one_message_each_way(caller: Caller) -> None:
    assert caller.unary(b"hello", timeout=10) == b"seen hello"


def test_many_messages_out(caller: Caller) -> None:
    assert list(caller.many_out(b"5", timeout=10)) == [b"0 ", b"1 ", b"2 ", b"3 ", b"4 "]


def test_many_messages_in(caller: Caller) -> None:
    assert caller.many_in((b"x" * 1000 for _ in range(500)), timeout=10) == b"500000"


def test_many_messages_both_ways_in_turns(caller: Caller) -> None:
    said: list[bytes] = []

    def talk() -> Iterator[bytes]:
        for number in range(20):
            # The next one is only said when the one before has been answered.
            wait_until(lambda number=number: len(said) == number, seconds=5, what="the answer")
            yield b"%d" % number

    for answer in caller.both(talk(), timeout=20):
        said.append(answer)
    assert said == [b"seen %d" % number for number in range(20)]


def test_many_large_messages_out(caller: Caller) -> None:
    received = sum(len(message) for message in caller.many_out(b"400", timeout=60))
    assert received > 400 * CHUNK


def test_a_status_and_its_message_pass(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        caller.unary(b"fail", timeout=10)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == "not today, señor"


def test_metadata_passes_both_ways(caller: Caller) -> None:
    answer, made = caller.unary.with_call(b"metadata", timeout=10, metadata=(("x-mine", "1"), ("x-raw-bin", b"\0\xfe")))
    assert {"x-mine", "x-raw-bin", "x-request-id"} <= set(ast.literal_eval(answer.decode()))
    trailing = dict(made.trailing_metadata())
    assert (trailing["x-trailing"], trailing["x-data-bin"]) == ("after", b"\0\xff")


def test_a_deadline_is_known_to_the_service_and_kept(caller: Caller) -> None:
    assert 5 <= int(caller.unary(b"deadline", timeout=9)) <= 9
    with pytest.raises(grpc.RpcError) as caught:
        caller.unary(b"slow", timeout=0.5)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert caller.unary(b"after", timeout=10) == b"seen after"


def test_a_cancelled_stream_leaves_the_channel_in_order(caller: Caller) -> None:
    stream = caller.many_out(b"100000", timeout=30)
    next(iter(stream))
    stream.cancel()
    assert caller.unary(b"after", timeout=10) == b"seen after"


def test_many_calls_at_once(caller: Caller) -> None:
    waiting = [caller.unary.future(b"%d" % number, timeout=30) for number in range(300)]
    assert [each.result() for each in waiting] == [b"seen %d" % number for number in range(300)]


def test_refusals_of_the_gateway_are_statuses(caller: Caller) -> None:
    locked = caller.channel.unary_unary("/locked.Orders/Unary")
    with pytest.raises(grpc.RpcError) as caught:
        locked(b"", timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert caught.value.details().startswith("basic_credentials_missing: ")
    credentials = (("authorization", "Basic YWRhOnNlc2FtZQ=="),)
    with pytest.raises(grpc.RpcError) as caught:
        locked(b"", timeout=10, metadata=credentials)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == "Method not found!"


def test_a_client_of_http1_gets_the_answer_of_the_same_service(caller: Caller) -> None:
    # The certificate is looked at by the other tests of this file.
    context = ssl._create_unverified_context()
    connection = (
        http.client.HTTPSConnection("127.0.0.1", caller.port, timeout=10, context=context)
        if caller.secure
        else http.client.HTTPConnection("127.0.0.1", caller.port, timeout=10)
    )
    message = b"\0\0\0\0\x05hello"
    connection.request("POST", f"/{SERVICE}/Unary", message, {"content-type": "application/grpc"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"\0\0\0\0\x0aseen hello")
    connection.close()
