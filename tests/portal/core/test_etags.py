"""Two clients of the REST API change the same thing."""

import json
from typing import Any

from portal.contracts.services import tier_create
from portal.gateways.models import Replica
from portal.organizations.models import RoleBinding
from portal.policies.automated_services import automated_policy_apply
from portal.policies.services import policy_apply
from tests.portal.base import PortalTestCase, client_of, make_instance

LIMIT = {"rateLimits": [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}]}
BASIC = {"username": "warehouse", "password": "correct-horse-battery"}


class TwoClientsCase(PortalTestCase):
    """Ada and Erik by REST."""

    def setUp(self) -> None:
        """Sign both in."""
        self.first, self.second = client_of(self.world.erik), client_of(self.world.ada)

    def patch(self, client: Any, address: str, body: dict[str, Any], if_match: str = "") -> Any:
        """Send a change."""
        headers = {"If-Match": if_match} if if_match else {}
        return client.patch(address, json.dumps(body), content_type="application/json", headers=headers)


class EveryObjectTests(TwoClientsCase):
    def objects(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Return the address of one object of each kind that can be changed, and two changes of it."""
        world = self.world
        binding = policy_apply(actor=world.ada, instance=world.instance, policy="rate-limiting", config=LIMIT)
        automated = automated_policy_apply(
            actor=world.ada, environment=world.production, policy="http-basic-authentication", config=BASIC
        )
        limits = [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}]
        tier = tier_create(actor=world.ada, instance=world.instance, name="Gold", limits=limits)
        role = RoleBinding.objects.get(user=world.ben)
        return [
            (f"/api/v1/api-instances/{world.instance.pk}/", {"label": "first"}, {"label": "second"}),
            (f"/api/v1/routes/{world.instance.routes.get().pk}/", {"name": "first"}, {"name": "second"}),
            (
                f"/api/v1/services/{world.instance.services.get().pk}/",
                {"url": "http://first.example.test"},
                {"url": "http://second.example.test"},
            ),
            (f"/api/v1/gateways/{world.gateway.pk}/", {"name": "First"}, {"name": "Second"}),
            (f"/api/v1/apis/{world.api.pk}/", {"summary": "First"}, {"summary": "Second"}),
            (
                f"/api/v1/api-versions/{world.api_version.pk}/",
                {"lifecycle": "deprecated"},
                {"lifecycle": "development"},
            ),
            (f"/api/v1/policy-bindings/{binding.pk}/", {"order": 7}, {"order": 8}),
            (f"/api/v1/automated-policies/{automated.pk}/", {"order": 7}, {"order": 8}),
            (f"/api/v1/tiers/{tier.pk}/", {"description": "First"}, {"description": "Second"}),
            (f"/api/v1/environments/{world.production.pk}/", {"name": "First"}, {"name": "Second"}),
            (f"/api/v1/organizations/{world.organization.pk}/", {"name": "First"}, {"name": "Second"}),
            (f"/api/v1/people/{role.pk}/", {"role": "editor"}, {"role": "viewer"}),
        ]

    def test_a_stale_etag_gets_the_difference_and_changes_nothing(self) -> None:
        for address, first, second in self.objects():
            with self.subTest(address=address):
                seen = self.second.get(address)
                changed = self.patch(self.second, address, first, seen["ETag"])
                assert changed.status_code == 200, changed.content
                assert changed["ETag"] not in ("", seen["ETag"])
                refused = self.patch(self.second, address, second, seen["ETag"])
                assert refused.status_code == 409
                body = refused.json()
                (name, theirs), (_, yours) = *first.items(), *second.items()
                assert body["code"] == "changed_meanwhile"
                assert {"field": f"/{name}", "theirs": theirs, "yours": yours} in body["differences"]
                assert body["etag"] == refused["ETag"] == changed["ETag"]
                assert self.second.get(address).json()[name] == theirs

    def test_the_present_etag_is_taken(self) -> None:
        for address, first, second in self.objects():
            with self.subTest(address=address):
                changed = self.patch(self.second, address, first, self.second.get(address)["ETag"])
                assert self.second.get(address)["ETag"] == changed["ETag"]
                assert self.patch(self.second, address, second, changed["ETag"]).status_code == 200


class IfMatchTests(TwoClientsCase):
    def setUp(self) -> None:
        """Both have seen the instance; the first one has changed it."""
        super().setUp()
        self.address = f"/api/v1/api-instances/{self.world.instance.pk}/"
        self.seen = self.second.get(self.address)["ETag"]
        assert self.patch(self.first, self.address, {"base_path": "/theirs"}).status_code == 200

    def test_it_says_who_and_when(self) -> None:
        body = self.patch(self.second, self.address, {"label": "mine"}, self.seen).json()
        assert body["message"] == "Erik Editor changed this meanwhile. Nothing of yours is saved yet."
        assert body["changed_by"] == "Erik Editor"
        assert body["changed_at"]
        fields = [each["field"] for each in body["differences"]]
        assert fields == ["/base_path", "/url"]
        assert "yours" not in body["differences"][0]

    def test_without_if_match_only_what_is_sent_is_changed(self) -> None:
        assert self.patch(self.second, self.address, {"label": "mine"}).status_code == 200
        self.world.instance.refresh_from_db()
        assert (self.world.instance.base_path, self.world.instance.label) == ("/theirs", "mine")

    def test_any_state_and_one_of_several_and_a_weakened_one_are_taken(self) -> None:
        for form in ("*", '"other", {}', "W/{}"):
            with self.subTest(form=form):
                now = self.second.get(self.address)["ETag"]
                answer = self.patch(self.second, self.address, {"label": str(len(form))}, form.format(now))
                assert answer.status_code == 200

    def test_an_etag_that_was_never_given_names_no_state(self) -> None:
        for etag in ('"nonsense"', "nonsense", '""', ","):
            with self.subTest(etag=etag):
                answer = self.patch(self.second, self.address, {"label": "mine"}, etag)
                assert answer.status_code == 409
                assert answer.json()["differences"]

    def test_delete_heeds_it(self) -> None:
        refused = self.second.delete(self.address, headers={"If-Match": self.seen})
        assert refused.status_code == 409
        assert [each["field"] for each in refused.json()["differences"]] == ["/base_path", "/url"]
        now = self.second.get(self.address)["ETag"]
        assert self.second.delete(self.address, headers={"If-Match": now}).status_code == 204

    def test_who_may_not_change_it_learns_nothing_by_it(self) -> None:
        viewer, other = client_of(self.world.ben), client_of(self.world.olaf)
        assert self.patch(viewer, self.address, {"label": "x"}, self.seen).status_code == 403
        assert self.patch(other, self.address, {"label": "x"}, self.seen).status_code == 404


class WhatAnEtagStandsForTests(TwoClientsCase):
    def test_a_changed_secret_is_another_state_and_is_not_said(self) -> None:
        binding = policy_apply(
            actor=self.world.ada, instance=self.world.instance, policy="http-basic-authentication", config=BASIC
        )
        address = f"/api/v1/policy-bindings/{binding.pk}/"
        seen = self.second.get(address)["ETag"]
        self.patch(self.first, address, {"config": BASIC | {"password": "their-new-password"}})
        mine = {"config": {"username": "mine", "password": "my-new-password"}}
        refused = self.patch(self.second, address, mine, seen)
        assert refused.status_code == 409
        assert "new-password" not in refused.content.decode()

    def test_what_replicas_report_is_not_a_change_of_the_gateway(self) -> None:
        address = f"/api/v1/gateways/{self.world.gateway.pk}/"
        seen = self.second.get(address)["ETag"]
        Replica.objects.create(
            gateway=self.world.gateway, replica_id="r1", host="edge-1", pid=1, workers=1,
            started_at="2026-01-01T00:00Z", seen_at="2026-01-01T00:00Z",
        )  # fmt: skip
        assert self.second.get(address)["ETag"] == seen

    def test_a_policy_of_an_instance_is_not_a_change_of_its_settings(self) -> None:
        address = f"/api/v1/api-instances/{self.world.instance.pk}/"
        seen = self.second.get(address)["ETag"]
        policy_apply(actor=self.world.ada, instance=self.world.instance, policy="rate-limiting", config=LIMIT)
        assert self.second.get(address)["ETag"] == seen

    def test_a_specification_is_part_of_its_version(self) -> None:
        address = f"/api/v1/api-versions/{self.world.api_version.pk}/"
        document = '{"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": {}}'
        seen = self.second.get(address)["ETag"]

        def put(text: str) -> Any:
            return self.second.put(
                f"{address}specification/", text, content_type="application/json", headers={"If-Match": seen}
            )

        assert put(document).status_code == 200
        assert put(document.replace("Orders", "Others")).status_code == 409

    def test_lists_have_none(self) -> None:
        assert "ETag" not in self.second.get("/api/v1/api-instances/")

    def test_two_objects_of_one_kind_differ(self) -> None:
        other = make_instance(self.world.gateway, self.world.api_version, base_path="/other")
        addresses = [f"/api/v1/api-instances/{each.pk}/" for each in (self.world.instance, other)]
        first, second = (self.second.get(address)["ETag"] for address in addresses)
        assert self.patch(self.second, addresses[0], {"label": "x"}, second).status_code == 409
        assert first != second
