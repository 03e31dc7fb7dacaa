"""The programs that people use, speaking HTTP/2 with the real gateway: curl, httpx2 and h2, with TLS and without."""

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

from tests.certificates import Authority
from tests.integration.gateway.conftest import GatewayProcess
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

SIZE = 200 << 20
ROOM_BYTES = 24 << 20
_PIECE = b"x" * (64 << 10)
FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: secure}}
spec:
  address: https://127.0.0.1:{secure}/
  services: {{files: {{address: "http://127.0.0.1:{service}"}}}}
  policies:
    - policyRef: {{name: tls}}
      config: {{certificate: {{crt: $CRT, key: $KEY}}}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: plain}}
spec:
  address: http://127.0.0.1:{plain}/
  services: {{files: {{address: "http://127.0.0.1:{service}"}}}}
"""
# Another gateway, in front of the first one: the same one twice would be a loop.
FILES_BEFORE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: chained}}
spec:
  address: http://127.0.0.1:{chained}/
  services: {{first: {{address: "https://localhost:{secure}", protocol: http2}}}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: mistaken}}
spec:
  address: http://127.0.0.1:{mistaken}/
  services: {{first: {{address: "http://127.0.0.1:{service}", protocol: http2}}}}
"""


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer `/size/N` with N bytes, anything else with what was asked and how much came."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            received = 0
            length = re.search(rb"content-length: (\d+)", head)
            left = int(length[1]) if length else 0
            while received < left:
                received += len(await reader.read(min(left - received, 1 << 16)))
            while b"transfer-encoding" in head:
                size = int(await reader.readuntil(b"\r\n"), 16)
                await reader.readexactly(size + 2)
                received += size
                if not size:
                    break
            if size_asked := re.search(rb"/size/(\d+)", head):
                left = int(size_asked[1])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
                while left:
                    writer.write(_PIECE[:left])
                    left -= min(left, len(_PIECE))
                    await writer.drain()
                continue
            if b"/slow" in head:
                await asyncio.sleep(1.0)
            body = json.dumps({"head": head.decode("latin-1"), "received": received}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    writer.close()


@pytest.fixture(scope="module")
def service() -> Iterator[int]:
    """Return the port of a service of HTTP/1.1."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@dataclass
class Place:
    """A gateway, and where it is reached."""

    gateways: list[GatewayProcess]
    ca: Path
    secure: int
    plain: int
    chained: int
    mistaken: int

    def memory_bytes(self) -> int:
        """Return how much memory the workers hold."""
        pids = [pid for gateway in self.gateways for pid in gateway.worker_pids()]
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
        return pages * os.sysconf("SC_PAGE_SIZE")

    def curl(self, url: str, *more: str) -> str:
        """Return what curl says: the version that was spoken, the status and the body."""
        found = subprocess.run(
            ["curl", "-sS", "--max-time", "60", "--cacert", str(self.ca), "-w", "\n%{http_version} %{http_code}",
             *more, url],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return found.stdout


@pytest.fixture(scope="module")
def place(service: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("http2")
    authority = Authority()
    pair = authority.issue("localhost", "127.0.0.1")
    ca = folder / "ca.pem"
    ca.write_text(authority.pem)
    ports = dict(zip(("secure", "plain", "chained", "mistaken"), free_ports(4), strict=True))
    environment = {"CRT": pair.certificate, "KEY": pair.key, "SSL_CERT_FILE": str(ca)}
    gateways = []
    try:
        for name, text in (("first", FILES), ("before", FILES_BEFORE)):
            (folder / name).mkdir()
            conf = folder / name / "conf.yaml"
            conf.write_text(text.format(service=service, **ports))
            gateway = GatewayProcess(folder / name, config=conf, workers=1, environment=environment).start()
            gateways.append(gateway)
            wait_until(lambda gateway=gateway: gateway.page("/readyz").status == 200, seconds=15, what="the gateway")
        yield Place(gateways, ca, **ports)
        for gateway in gateways:
            assert '"log.level":"error"' not in gateway.log, gateway.log[-3000:]
    finally:
        for gateway in gateways:
            gateway.terminate()
            gateway.wait()


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
def test_curl_speaks_http2_where_tls_agrees_on_it(place: Place) -> None:
    body, _, said = place.curl(f"https://127.0.0.1:{place.secure}/a", "--http2").rpartition("\n")
    assert said == "2 200"
    head = json.loads(body)["head"]
    assert head.startswith("GET /a HTTP/1.1\r\nhost: 127.0.0.1:")
    assert "x-forwarded-proto: https\r\n" in head
    assert place.curl(f"https://127.0.0.1:{place.secure}/a", "--http1.1").endswith("1.1 200")


@needs_curl
def test_curl_speaks_http2_without_tls_where_it_knows(place: Place) -> None:
    known = place.curl(f"http://127.0.0.1:{place.plain}/a", "--http2-prior-knowledge", "-d", "abc")
    assert known.endswith("2 200")
    assert json.loads(known.rpartition("\n")[0])["received"] == 3
    # An upgrade is an offer that may be passed over (RFC 9113 has none any more).
    assert place.curl(f"http://127.0.0.1:{place.plain}/a", "--http2").endswith("1.1 200")


@needs_curl
def test_a_service_is_asked_in_http2_with_tls(place: Place) -> None:
    for version in ("--http1.1", "--http2-prior-knowledge"):
        body, _, said = place.curl(f"http://127.0.0.1:{place.chained}/a", version, "-d", "abc").rpartition("\n")
        assert said.endswith(" 200")
        assert json.loads(body)["received"] == 3
        assert "x-forwarded-proto: https\r\n" in json.loads(body)["head"]


@needs_curl
def test_a_service_that_does_not_speak_http2_is_named_so(place: Place) -> None:
    said = place.curl(f"http://127.0.0.1:{place.mistaken}/a")
    assert said.endswith("1.1 502")
    assert json.loads(said.rpartition("\n")[0])["code"] == "upstream_not_http2"


@needs_curl
@pytest.mark.parametrize("where", ["secure", "plain", "chained"])
@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
def test_large_bodies_pass_in_constant_memory(where: str, up: bool, place: Place, tmp_path: Path) -> None:
    url = f"{'https' if where == 'secure' else 'http'}://127.0.0.1:{getattr(place, where)}"
    known = [] if where == "secure" else ["--http2-prior-knowledge"]
    place.curl(f"{url}/size/1", *known)
    before = place.memory_bytes()
    if up:
        large = tmp_path / "large"
        with large.open("wb") as file:
            file.truncate(SIZE)
        said = place.curl(f"{url}/a", *known, "-T", str(large))
        assert json.loads(said.rpartition("\n")[0])["received"] == SIZE
        large.unlink()
    else:
        said = place.curl(f"{url}/size/{SIZE}", *known, "-o", "/dev/null", "-w", "%{size_download} %{http_version}")
        assert said == f"{SIZE} 2"
    assert place.memory_bytes() - before < ROOM_BYTES


def test_httpx2_multiplexes_a_thousand_streams_on_one_connection(place: Place) -> None:
    async def scenario() -> set[int]:
        context = ssl.create_default_context(cafile=str(place.ca))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        limits = httpx2.Limits(max_connections=1)
        async with httpx2.AsyncClient(http2=True, verify=context, limits=limits, timeout=60) as client:

            async def ask(number: int) -> int:
                answer = await client.get(f"https://127.0.0.1:{place.secure}/{number}")
                assert answer.http_version == "HTTP/2"
                assert answer.json()["head"].startswith(f"GET /{number} HTTP/1.1\r\n")
                return answer.status_code

            gate = asyncio.Semaphore(90)

            async def gated(number: int) -> int:
                async with gate:
                    return await ask(number)

            return set(await asyncio.gather(*map(gated, range(1000))))

    assert asyncio.run(scenario()) == {200}


class Conversation:
    """`h2` on a socket, for what finished clients do not do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.statuses: dict[int, str] = {}
        self.bytes: dict[int, int] = {}
        self.ended: set[int] = set()
        self.takes: Callable[[int], bool] = lambda number: True
        self.unread: list[tuple[int, int]] = []

    def ask(self, port: int, path: str) -> int:
        number = self.h2.get_next_available_stream_id()
        head = [(":method", "GET"), (":scheme", "http"), (":authority", f"127.0.0.1:{port}"), (":path", path)]
        self.h2.send_headers(number, head, end_stream=True)
        self.writer.write(self.h2.data_to_send())
        return number

    async def listen(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not done():
                data = await self.reader.read(65_536)
                if not data:
                    return
                for event in self.h2.receive_data(data):
                    if isinstance(event, ResponseReceived):
                        self.statuses[event.stream_id] = dict(event.headers or [])[":status"]  # type: ignore[index, arg-type]
                    elif isinstance(event, DataReceived):
                        number = event.stream_id or 0
                        self.bytes[number] = self.bytes.get(number, 0) + len(event.data or b"")
                        if self.takes(number):
                            self.h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
                        else:
                            self.unread.append((event.flow_controlled_length or 0, number))
                    elif isinstance(event, StreamEnded):
                        self.ended.add(event.stream_id or 0)
                self.writer.write(self.h2.data_to_send())


def test_a_stream_that_is_not_read_holds_up_no_other(place: Place) -> None:
    async def scenario() -> None:
        talk = Conversation(*await asyncio.open_connection("127.0.0.1", place.plain))
        talk.h2.increment_flow_control_window(10 << 20)
        slow = talk.ask(place.plain, f"/size/{10 << 20}")
        talk.takes = lambda number: number != slow
        others = [talk.ask(place.plain, "/size/100000") for _ in range(20)]
        await talk.listen(lambda: talk.ended >= set(others))
        assert {talk.bytes[number] for number in others} == {100_000}
        assert slow not in talk.ended
        assert talk.bytes[slow] <= 65_535
        talk.takes = lambda number: True
        for size, number in talk.unread:
            talk.h2.acknowledge_received_data(size, number)
        talk.writer.write(talk.h2.data_to_send())
        await talk.listen(lambda: slow in talk.ended)
        assert talk.bytes[slow] == 10 << 20
        talk.writer.close()

    asyncio.run(scenario())


def test_a_gateway_that_ends_says_goodbye_and_finishes(service: int, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    conf = tmp_path / "conf.yaml"
    conf.write_text(FILES.split("---\n")[1].format(plain=port, service=service))
    gateway = GatewayProcess(tmp_path, config=conf, workers=1).start()

    async def scenario() -> tuple[bytes, bool]:
        talk = Conversation(*await asyncio.open_connection("127.0.0.1", port))
        asked = talk.ask(port, "/slow")
        await asyncio.sleep(0.3)
        gateway.terminate()
        heard = b""
        with suppress(ConnectionError):
            while data := await asyncio.wait_for(talk.reader.read(65_536), 10):
                heard += data
        return heard, asked == 1

    try:
        wait_until(lambda: gateway.page("/readyz").status == 200, seconds=15, what="the gateway")
        heard, _ = asyncio.run(scenario())
        goodbye = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\1\0\0\0\0"
        assert goodbye in heard
        assert b"received" in heard[heard.index(goodbye) :]
        assert gateway.wait() == 0
    finally:
        gateway.kill()
