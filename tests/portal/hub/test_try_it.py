"""Try it: where calls may go, what goes along, and that answers stay inert."""

from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from django.test import Client

from portal.contracts.selectors import instances_offered_to
from portal.core.errors import ApplicationError
from portal.hub import try_it
from portal.hub.rate import PER_MINUTE
from portal.hub.try_it import answer_headers, request_headers, send, target_of
from tests.portal.base import client_of
from tests.portal.hub.cases import HubTestCase

ORDERS = "http://localhost:8080/orders"


class TargetTests(HubTestCase):
    def refused(self, url: str, user: Any = None) -> bool:
        with pytest.raises(ApplicationError) as raised:
            target_of(user or self.world.cora, url)
        return raised.value.code == "not_an_offered_api"

    def test_addresses_of_offered_instances_are_allowed(self) -> None:
        for url in (ORDERS, f"{ORDERS}/7?a=b%20c", f"{ORDERS}/%C3%A9"):
            assert target_of(self.world.cora, url) == (url, self.world.instance)

    def test_nothing_else_is(self) -> None:
        for url in (
            "", "x", "//localhost:8080/orders", "http://localhost:8080/", "http://localhost:8080/ordersx",
            "http://localhost:8081/orders", "https://localhost:8080/orders", "http://localhost:8080/orders/../admin",
            "http://localhost:8080/orders/%2e%2e/admin", "http://localhost:8080/orders/%252e%252e/admin",
            "http://localhost:8080/orders/..%5cadmin", "http://localhost:8080@evil.test/orders",
            "http://evil.test#@localhost:8080/orders", "http://localhost:8080\\@evil.test/orders",
            "http://u:p@localhost:8080/orders", "file:///etc/passwd", "gopher://localhost:8080/orders",
            "http://169.254.169.254/", "http://127.0.0.1:8080/orders", "http://localhost:8080/orders\r\nx: y",
            "http://localhost:99999/orders", "http://[::1/orders",
        ):  # fmt: skip
            with self.subTest(url=url):
                assert self.refused(url)

    def test_a_private_instance_of_others_is_not_offered(self) -> None:
        assert self.refused("http://localhost:8080/invoices")
        assert target_of(self.world.olaf, "http://localhost:8080/invoices")[1] == self.world.other_instance

    def test_a_fragment_does_not_go_along(self) -> None:
        assert target_of(self.world.cora, f"{ORDERS}/7#x")[0] == f"{ORDERS}/7"


class SendTests(HubTestCase):
    """Calls with the network replaced by a function that plays the gateway."""

    def call(self, answer: Any, *, url: str = ORDERS, resolved: str = "127.0.0.1", **changes: Any) -> Any:
        self.requests: list[httpx2.Request] = []

        def gateway(request: httpx2.Request) -> httpx2.Response:
            self.requests.append(request)
            if isinstance(answer, Exception):
                raise answer
            # A real answer has not been read yet.
            stream = httpx2.ByteStream(answer.content)
            return httpx2.Response(answer.status_code, headers=answer.headers, stream=stream)

        real = httpx2.Client

        def client(**options: Any) -> httpx2.Client:
            return real(**options, transport=httpx2.MockTransport(gateway))

        found = [(2, 1, 6, "", (resolved, 0))]
        instance = instances_offered_to(self.world.cora).get(pk=self.world.instance.pk)
        with (
            patch.object(try_it.httpx2, "Client", client),
            patch.object(try_it.socket, "getaddrinfo", return_value=found),
        ):
            given = {"method": "GET", "headers": [], "body": b"", "url": url, "instance": instance}
            return send(**(given | changes))

    def code(self, answer: Any, **changes: Any) -> str:
        with pytest.raises(ApplicationError) as raised:
            self.call(answer, **changes)
        return raised.value.code

    def test_the_call_goes_to_the_checked_address_under_its_own_name(self) -> None:
        answer = self.call(httpx2.Response(200, content=b"{}"), url=f"{ORDERS}/7?a=b")
        assert (answer.status, answer.body) == (200, b"{}")
        (request,) = self.requests
        assert str(request.url) == "http://127.0.0.1:8080/orders/7?a=b"
        assert request.headers["host"] == "localhost:8080"

    def test_redirects_are_shown_and_not_followed(self) -> None:
        answer = self.call(httpx2.Response(302, headers={"location": "http://evil.test/"}))
        assert answer.status == 302
        assert ("X-Try-It-Location", "http://evil.test/") in answer.headers
        assert len(self.requests) == 1

    def test_a_name_that_leads_inside_is_refused(self) -> None:
        self.world.gateway.public_host = "api.acme.test"
        self.world.gateway.save()
        url = "http://api.acme.test:8080/orders"
        assert self.code(httpx2.Response(200), url=url, resolved="169.254.169.254") == "address_not_allowed"
        assert self.requests == []
        assert self.call(httpx2.Response(200), url=url, resolved="93.184.215.14").status == 200

    def test_private_addresses_are_allowed_where_the_environment_allows_them(self) -> None:
        self.world.gateway.public_host = "api.acme.test"
        self.world.gateway.save()
        self.world.production.allow_private_targets = True
        self.world.production.save()
        url = "http://api.acme.test:8080/orders"
        assert self.call(httpx2.Response(200), url=url, resolved="10.0.0.5").status == 200

    def test_the_platform_s_own_ports_are_no_gateway(self) -> None:
        assert self.code(httpx2.Response(200), url="http://localhost:9998/orders") == "address_not_allowed"
        assert self.code(httpx2.Response(200), url="http://localhost:8000/orders") == "address_not_allowed"

    def test_limits_of_size_and_time(self) -> None:
        assert self.code(httpx2.Response(200, content=b"x" * 1_000_001)) == "answer_too_large"
        assert self.code(httpx2.Response(200), body=b"x" * 1_000_001) == "body_too_large"
        assert self.code(httpx2.ReadTimeout("slow")) == "answer_too_slow"
        assert self.code(httpx2.ConnectError("refused")) == "gateway_unreachable"
        with patch.object(try_it.time, "monotonic", side_effect=[0.0, 15.1]):
            assert self.code(httpx2.Response(200, content=b"x")) == "answer_too_slow"

    def test_odd_methods_are_refused(self) -> None:
        assert self.code(httpx2.Response(200), method="CONNECT") == "method_not_allowed"
        assert self.code(httpx2.Response(200), method="TRACE") == "method_not_allowed"


def test_headers_of_the_portal_and_between_hops_stay_here() -> None:
    given = {
        "Cookie": "portico_session=x", "X-CSRFToken": "t", "Origin": "http://portal", "Referer": "http://portal/hub",
        "Host": "portal", "Content-Length": "3", "Connection": "keep-alive, X-Secret-Hop", "X-Secret-Hop": "1",
        "Transfer-Encoding": "chunked", "X-Forwarded-For": "1.2.3.4", "Sec-Fetch-Site": "same-origin",
        "X-Try-It-Method": "GET", "Upgrade": "websocket",
    }  # fmt: skip
    wanted = {"client_id": "abc", "Authorization": "Bearer api", "Content-Type": "application/json"}
    sent = request_headers([*given.items(), *wanted.items(), ("X-Scalar-Cookie", "api=1")])
    assert dict(sent) == {**wanted, "cookie": "api=1"}


def test_headers_that_would_act_on_the_portal_are_not_handed_back() -> None:
    given = {
        "Set-Cookie": "portico_session=evil", "Clear-Site-Data": '"*"', "Content-Security-Policy": "default-src *",
        "Access-Control-Allow-Origin": "*", "Refresh": "0;url=http://evil.test", "Strict-Transport-Security": "x",
    }  # fmt: skip
    shown = answer_headers([*given.items(), ("WWW-Authenticate", "Basic"), ("X-RateLimit-Limit", "5")])
    assert dict(shown) == {"X-Try-It-WWW-Authenticate": "Basic", "X-RateLimit-Limit": "5"}


class AddressTests(HubTestCase):
    def test_only_a_post_with_the_page_s_token_is_answered(self) -> None:
        client = Client(enforce_csrf_checks=True)
        assert client.get(f"/hub/try-it/?scalar_url={ORDERS}").status_code == 405
        assert client.post(f"/hub/try-it/?scalar_url={ORDERS}").status_code == 403

    def test_an_answer_is_inert_and_has_the_method_and_headers_meant(self) -> None:
        answer = try_it.Answer(status=401, headers=[("Content-Type", "text/html"), ("X-A", "1")], body=b"<script>")
        with patch("portal.hub.views.try_it.send", return_value=answer) as sent:
            response = client_of(self.world.cora).post(
                f"/hub/try-it/?scalar_url={ORDERS}/7", headers={"X-Try-It-Method": "delete", "client_id": "abc"}
            )
        assert sent.call_args.kwargs["method"] == "DELETE"
        assert (response.status_code, response["X-A"], response.content) == (401, "1", b"<script>")
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Try-It-Headers"] == '[["Content-Type", "text/html"], ["X-A", "1"]]'

    def test_a_refusal_is_a_problem_that_says_it_is_ours(self) -> None:
        response = client_of(None).post("/hub/try-it/?scalar_url=http://169.254.169.254/")
        assert response.status_code == 403
        assert response["X-Try-It-Refused"] == "not_an_offered_api"
        assert "Choose one of the servers" in response.json()["title"]

    def test_a_person_and_an_address_are_slowed_down_apart(self) -> None:
        answer = try_it.Answer(status=200, headers=[], body=b"")
        address = f"/hub/try-it/?scalar_url={ORDERS}"
        with (
            patch("portal.hub.views.try_it.send", return_value=answer),
            patch("portal.hub.rate.time.time", return_value=1_000_000.0),
        ):
            client = client_of(self.world.cora)
            assert {client.post(address).status_code for _ in range(PER_MINUTE)} == {200}
            assert client.post(address).status_code == 429
            assert client_of(None).post(address).status_code == 200
