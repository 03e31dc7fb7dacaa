"""One of the demo company's services as a real process: HTTP as clients and gateways speak it."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.stack import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    (port,) = free_ports(1)
    home: Path = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.demo.services", "customers", "--port", str(port)],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "PORTICO_HOME": str(home)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    wait_until(lambda: b"listens on" in process.stdout.readline(), seconds=10, what="the service listens")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client
    process.terminate()
    assert process.wait(timeout=10) == 0


def test_list_is_filtered_and_paged(customers: httpx.Client) -> None:
    gold = customers.get("/", params={"tier": "gold", "limit": 5}).json()
    assert len(gold["items"]) == 5 < gold["total"]
    assert {item["tier"] for item in gold["items"]} == {"gold"}
    following = customers.get("/", params={"tier": "gold", "limit": 5, "offset": 5}).json()["items"]
    assert not {item["id"] for item in following} & {item["id"] for item in gold["items"]}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/C-9999", 404, "customer_not_found"),
        ("/C-1001/orders", 404, "not_found"),
        ("/?limit=0", 400, "invalid_parameter"),
        ("/?limit=ten", 400, "invalid_parameter"),
        ("/?tier=platinum", 400, "invalid_parameter"),
        ("/?offset=-1", 400, "invalid_parameter"),
    ],
)
def test_wrong_call_is_answered_with_a_problem(customers: httpx.Client, path: str, status: int, code: str) -> None:
    answer = customers.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)


def test_method_that_is_not_there_names_those_that_are(customers: httpx.Client) -> None:
    answer = customers.delete("/C-1001")
    assert answer.status_code == 405
    assert "GET" in answer.json()["detail"]


def test_created_customer_can_be_read_and_not_created_again(customers: httpx.Client) -> None:
    new = {"name": "Selma Lindqvist", "email": "selma@mail.example", "country": "DK"}
    created = customers.post("/", json=new)
    assert created.status_code == 201
    assert customers.get("/" + created.headers["location"]).json() == created.json()
    assert customers.post("/", json=new).status_code == 409


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": 1}', b'{"name": "A", "email": "a", "country": "DK"}'])
def test_body_that_cannot_be_used_is_refused(customers: httpx.Client, body: bytes) -> None:
    assert customers.post("/", content=body).status_code == 400


def test_huge_body_is_refused(customers: httpx.Client) -> None:
    assert customers.post("/", content=b"x" * 300_000).status_code == 413


def test_streamed_body_is_read_and_the_connection_kept(customers: httpx.Client) -> None:
    connection = http.client.HTTPConnection(customers.base_url.host, customers.base_url.port, timeout=10)
    body = json.dumps({"name": "Ivo Dahl", "email": "ivo@mail.example", "country": "NO"}).encode()
    for expected in (201, 409):
        pieces = iter([body[:10], body[10:]])
        connection.request("POST", "/", body=pieces, headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected
    connection.close()


def test_service_needs_neither_django_nor_celery(tmp_path: Path) -> None:
    code = "import portal.demo.services.__main__, sys; print({'django', 'celery'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout == "set()\n"
