"""Operations, examples, commands and the document that the hub hands out."""

import json
import shlex as shell
import time

from portal.hub.curl import credential_arguments, curl_command, first_call, operation_curl
from portal.hub.examples import schema_example
from portal.hub.operations import operations_of
from portal.hub.selectors import ClientHeaders
from portal.policies.models import PolicyBinding
from tests.portal.hub.cases import HubTestCase
from tests.portal.hub.specification import HOSTILE, ORDERS


def words_of(command: str) -> list[str]:
    """Split a command as a shell does, which joins lines that end in a backslash."""
    return shell.split(command.replace("\\\n", ""))


def test_operations_have_parameters_bodies_and_answers() -> None:
    read, place = operations_of(ORDERS)
    assert (read.method, read.path, read.name) == ("GET", "/orders/{id}", "getOrder")
    assert [(p.name, p.place, p.required, p.type, p.example) for p in read.parameters] == [
        ("id", "path", True, "integer", "7"),
        ("expand", "query", True, "string", "a b"),
    ]
    assert json.loads(place.body.example)["lines"] == [{"sku": "A-1"}]
    assert [answer.status for answer in read.answers] == ["200"]


def test_a_schema_that_contains_itself_ends() -> None:
    _, place = operations_of(ORDERS)
    assert "parent" not in json.loads(place.body.example)


def test_a_schema_of_many_properties_within_many_ends_soon() -> None:
    many = {f"p{n}": {"$ref": f"#/s/{n}"} for n in range(30)}
    document = {"s": {str(n): {"properties": many} for n in range(30)}}
    started = time.perf_counter()
    assert isinstance(schema_example(document, {"$ref": "#/s/0"}), dict)
    assert time.perf_counter() - started < 2


def test_examples_follow_all_of_and_the_first_of_several() -> None:
    parts = [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"format": "date"}}}]
    assert schema_example({}, {"allOf": parts, "properties": {"c": {"type": ["null", "boolean"]}}}) == {
        "a": 1, "b": "2026-01-31", "c": True,
    }  # fmt: skip
    assert schema_example({}, {"oneOf": [{"const": "x"}, {"const": "y"}]}) == "x"


def test_parts_that_are_not_as_they_should_be_are_left_out() -> None:
    broken = {
        "paths": {
            "/a": {"get": {"parameters": [{"$ref": "#/nowhere"}, 5], "responses": [], "tags": "x", "requestBody": 3}},
            "/b": "text",
            "/c": {"$ref": "#/paths/~1c"},
            "/d": {"post": None},
        }
    }
    (only,) = operations_of(broken)
    assert (only.path, only.parameters, only.body, only.answers) == ("/a", (), None, ())
    assert operations_of(None) == operations_of([]) == operations_of({"paths": 4}) == []


def test_a_command_carries_examples_and_credentials() -> None:
    read, place = operations_of(ORDERS)
    credentials = credential_arguments(ClientHeaders(id_header="x-id", secret_header="x-secret"), "abc", "s3cret")
    words = words_of(operation_curl(read, "http://localhost:8080/orders", credentials))
    assert words == [
        "curl", "-i", "http://localhost:8080/orders/orders/7?expand=a%20b",
        "-H", "x-id: abc", "-H", "x-secret: s3cret",
    ]  # fmt: skip
    words = words_of(operation_curl(place, "http://localhost:8080/", []))
    assert words[:5] == ["curl", "-i", "-X", "POST", "http://localhost:8080/orders"]
    assert json.loads(words[-1])["customer"] == "it's Ada"


def test_a_hostile_path_stays_one_word_of_the_command() -> None:
    (operation,) = operations_of(HOSTILE)
    words = words_of(operation_curl(operation, "http://localhost:8080", []))
    assert len(words) == 3
    assert "$(id)" in words[2]


def test_basic_credentials_become_user_and_password() -> None:
    arguments = credential_arguments(ClientHeaders(basic=True), "abc", "s3cret")
    assert words_of(curl_command("http://x", arguments)) == ["curl", "-i", "http://x", "-u", "abc:s3cret"]


class DocumentTests(HubTestCase):
    def test_the_first_call_needs_nothing_but_credentials(self) -> None:
        version = self.world.api_version
        assert first_call(version, "http://gw/orders", []) == "curl -i http://gw/orders"
        version.specification.document = {"paths": {"/all": {"get": {}}}}
        assert first_call(version, "http://gw/orders", []) == "curl -i http://gw/orders/all"
        assert first_call(self.world.api.versions.create(version="v2"), "http://gw", []) == "curl -i http://gw"

    def test_servers_are_replaced_at_every_level(self) -> None:
        response = self.client_of(None).get("/hub/apis/acme/orders/v1/openapi.json")
        document = response.json()
        assert [server["url"] for server in document["servers"]] == ["http://localhost:8080/orders"]
        assert ".internal" not in response.content.decode()
        assert document["paths"]["/orders/{id}"]["get"]["summary"] == "Read one order"

    def test_commands_carry_credentials_when_the_api_asks_for_them(self) -> None:
        client = self.client_of(None)
        self.assertNotContains(client.get("/hub/apis/acme/orders/v1/operations/"), "YOUR_CLIENT_ID")
        PolicyBinding.objects.create(
            instance=self.world.instance,
            policy="client-id-enforcement",
            order=1,
            config={"clientIdExpression": "#[attributes.headers['x-key']]"},
        )
        self.assertContains(client.get("/hub/apis/acme/orders/v1/operations/"), "x-key: YOUR_CLIENT_ID")

    def test_the_reference_keeps_the_strict_policy_and_loads_nothing_from_elsewhere(self) -> None:
        response = self.client_of(None).get("/hub/apis/acme/orders/v1/reference/")
        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "connect-src 'self'" in policy
        assert "http://" not in response.content.decode().replace("http://www.w3.org", "")
        assert "csrftoken" in response.cookies
