"""The console's pages about single requests, and the same over REST."""

from typing import Any, ClassVar

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gateway_runtime.schema import trace
from portal.core.links import console_url
from portal.traces.models import Trace
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases, ObjectPageCases
from tests.portal.traces.base import refused, stored, told


class Stored(PortalTestCase):
    """A trace of each organization."""

    trace: ClassVar[Trace]
    other_trace: ClassVar[Trace]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        world = cls.world
        cls.trace = stored(world.gateway, told(world.instance))
        cls.other_trace = stored(world.other_gateway, told(world.other_instance, id="o1"))

    def page(self, name: str, *arguments: Any, who: Any = None, **query: str) -> Any:
        return self.client_of(who or self.world.ben).get(console_url(self.world.production, name, *arguments), query)


class TracePageTests(ObjectPageCases, Stored):
    list_page, detail_page = "traces:list", "traces:detail"

    def get_target(self) -> Trace:
        return self.trace

    def get_other_target(self) -> Trace:
        return self.other_trace


class TraceStartTests(ObjectPageCases, PortalTestCase):
    edit_page = "traces:start"
    target, other_target = "instance", "other_instance"
    form = {"minutes": "5"}

    @staticmethod
    def _assert_saved(response: Any) -> None:
        """The answer to the form is the only place where the token is shown."""
        assert response.status_code == 200, response.status_code
        assert response.context["made"].token in response.content.decode()


class InstanceTracesTests(ObjectPageCases, Stored):
    detail_page = "traces:instance"
    target, other_target = "instance", "other_instance"

    def test_only_its_own_are_shown(self) -> None:
        stored(self.world.gateway, refused(id="elsewhere", path="/nowhere"))
        content = self.page("traces:instance", self.world.instance.pk).content.decode()
        assert "/orders/items" in content
        assert "/nowhere" not in content


class TraceApiTests(ObjectApiCases, Stored):
    path = "/api/v1/traces/"

    def get_target(self) -> Trace:
        return self.trace

    def get_other_target(self) -> Trace:
        return self.other_trace

    def test_the_longer_shape_has_steps_and_the_reason(self) -> None:
        row = stored(self.world.gateway, refused(self.world.instance))
        client = self.client_of(self.world.ben)
        shown = client.get(f"/api/v1/traces/{row.pk}/").json()
        assert shown["code"] == "basic_credentials_missing"
        assert shown["reason"]
        assert shown["docs"] == "/docs/policies/http-basic-authentication/"
        full = client.get(f"/api/v1/traces/{self.trace.pk}/").json()
        assert [step["outcome"] for step in full["steps"]] == ["continued", "not_bound", "would_refuse", "continued"]
        assert full["would_refuse"] == ["rate-limiting"]
        assert full["steps"][0]["saw"] == [["accept", "*/*"], ["authorization", "••••••"]]

    def test_a_list_leaves_steps_where_they_are(self) -> None:
        client = self.client_of(self.world.ben)
        for address, read in (("/api/v1/traces/", False), (f"/api/v1/traces/{self.trace.pk}/", True)):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            assert any('"detail"' in query["sql"] for query in queries) == read, address

    def test_filters(self) -> None:
        stored(self.world.gateway, refused(self.world.instance, application="app-1"))
        client = self.client_of(self.world.ben)
        for query, expected in (
            ({"request_id": "req-2"}, ["r1"]), ({"status": "401"}, ["r1"]),
            ({"policy": "http-basic-authentication"}, ["r1"]),
            ({"application": "app-1"}, ["r1"]), ({"kind": "requested"}, ["t1"]), ({"would_refuse": "any"}, ["t1"]),
            ({"would_refuse": "rate"}, []), ({"instance": str(self.world.instance.pk)}, ["r1", "t1"]),
        ):  # fmt: skip
            with self.subTest(query=query):
                rows = client.get("/api/v1/traces/", query).json()["results"]
                self.assertEqual(sorted(row["id"] for row in rows), expected)


class WhyTests(Stored):
    def test_a_request_id_leads_to_its_trace(self) -> None:
        response = self.page("traces:why", request=" req-1 ")
        self.assertRedirects(response, self.trace.get_absolute_url())

    def test_of_several_requests_with_one_id_the_reader_chooses(self) -> None:
        stored(self.world.gateway, refused(self.world.instance, request_id="req-1"))
        response = self.page("traces:why", request="req-1")
        self.assertContains(response, "Several requests had this id")
        self.assertContains(response, self.trace.get_absolute_url())

    def test_an_id_of_another_organization_is_not_known(self) -> None:
        stored(self.world.other_gateway, told(self.world.other_instance, id="o2", request_id="theirs"))
        self.assertContains(self.page("traces:why", request="theirs"), "Nothing is known of this request")

    def test_it_opens_with_a_box_to_paste_into(self) -> None:
        response = self.page("traces:why")
        self.assertContains(response, 'name="request"')
        self.assertNotContains(response, "Nothing is known")

    def test_it_is_for_those_who_see_traffic(self) -> None:
        address = console_url(self.world.production, "traces:why")
        assert self.client_of(self.world.cora).get(address).status_code == 404
        assert self.client_of(None).get(address)["Location"].startswith(reverse("accounts:sign_in"))


class ContentTests(Stored):
    def test_a_traced_request_shows_route_policies_times_and_target(self) -> None:
        content = self.page("traces:detail", self.trace.pk).content.decode()
        for text in (
            "Answered by the service", "items", "10.0.0.1:80", "Revision 3", "JWT", "would have refused",
            "rate_limit_exceeded", "not for this request", "Waterfall", "••••••", "/docs/policies/rate-limiting/",
            "&lt;token&gt;",
        ):  # fmt: skip
            assert text in content, text

    def test_a_refusal_names_policy_and_reason_with_their_page(self) -> None:
        row = stored(self.world.gateway, refused(self.world.instance))
        content = self.page("traces:detail", row.pk, who=self.world.ada).content.decode()
        assert "Refused by Basic authentication" in content
        assert "/docs/policies/http-basic-authentication/" in content
        assert console_url(self.world.production, "traces:start", self.world.instance.pk) in content

    def test_a_refusal_of_the_gateway_itself_is_explained_too(self) -> None:
        row = stored(self.world.gateway, refused(policy="", code="no_api_here", status=404))
        content = self.page("traces:detail", row.pk).content.decode()
        assert "Answered by the gateway" in content
        assert "/docs/reference/answers-of-the-gateway/" in content
        assert "none matched" in content

    def test_bytes_that_were_no_request_have_a_page(self) -> None:
        row = stored(self.world.gateway, refused(policy="", code="bad_request_line", status=400, method="", path=""))
        assert self.page("traces:detail", row.pk).status_code == 200

    def test_who_ended_a_request_is_said_as_it_was(self) -> None:
        asked = [trace.Attempt("10.0.0.1:80", 50, 800, 200)]
        for number, (fields, headline) in enumerate(
            (
                ({"status": 499, "code": "client_gone", "attempts": []}, "The caller went away"),
                ({"status": 200, "code": "client_gone", "attempts": asked}, "The caller went away"),
                ({"status": 200, "code": "upstream_reset", "attempts": asked}, "The answer of the service broke off"),
                ({"status": 502, "code": "upstream_refused", "attempts": []}, "Answered by the gateway"),
                ({"status": 101}, "Went on as a WebSocket"),
                ({"status": 404}, "Answered by the service"),
            )
        ):
            row = stored(self.world.gateway, told(self.world.instance, id=f"n{number}", **fields))
            content = self.page("traces:detail", row.pk).content.decode()
            assert f'<h2 id="verdict-title">{headline}</h2>' in content, fields
            # The page of answers has none that nobody has got.
            assert ("/docs/reference/answers-of-the-gateway/" in content) == (fields.get("code", "")[:2] == "up")

    def test_a_policy_that_is_no_more_is_called_by_its_name(self) -> None:
        row = stored(self.world.gateway, refused(self.world.instance, policy="gone-for-good", code="gone_code"))
        assert "gone-for-good" in self.page("traces:detail", row.pk).content.decode()

    def test_the_list_filters_and_says_what_was_lost(self) -> None:
        stored(self.world.gateway, refused(self.world.instance))
        for query, shown in (({"status": "4"}, "req-2"), ({"shadow": "any"}, "req-1"), ({"q": "req-2"}, "req-2")):
            rows = self.page("traces:list", **query).context["table"].rows
            assert [row.request_id for row in rows] == [shown], query

    def test_an_environment_without_any_says_what_they_are(self) -> None:
        Trace.objects.all().delete()
        self.assertContains(self.page("traces:list"), "No request was refused or traced")

    def test_the_page_of_an_api_has_the_last_ones_and_the_button_for_those_who_may(self) -> None:
        start = console_url(self.world.production, "traces:start", self.world.instance.pk)
        content = self.page("apis:detail", self.world.instance.pk, who=self.world.erik).content.decode()
        assert self.trace.get_absolute_url() in content
        assert start in content
        assert start not in self.page("apis:detail", self.world.instance.pk).content.decode()
