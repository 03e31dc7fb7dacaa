"""Who sees which traffic, on the pages and over REST."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from gateway_runtime.schema import histogram
from portal.apis.models import ApiInstance
from portal.core.links import console_url
from tests.portal.base import PortalTestCase, client_of
from tests.portal.traffic import traffic_store


def add_traffic(instance: ApiInstance, *, requests: int, status: int = 200, policy: str = "", code: str = "") -> None:
    """Store requests of this minute."""
    traffic_store(
        instance,
        minute=timezone.now().replace(second=0, microsecond=0),
        status=status,
        policy=policy,
        code=code,
        requests=requests,
        latency={str(histogram.bucket(12_000)): requests},
    )


class TrafficTests(PortalTestCase):
    """Seven requests to Ada's API and five to Olaf's."""

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        add_traffic(cls.world.instance, requests=4)
        add_traffic(
            cls.world.instance,
            requests=3,
            status=401,
            policy="http-basic-authentication",
            code="basic_credentials_missing",
        )
        add_traffic(cls.world.other_instance, requests=5)

    def get(self, user: Any, **query: str) -> Any:
        return client_of(user).get(reverse("traffic"), query)

    def test_a_viewer_reads_the_traffic_of_an_instance(self) -> None:
        answer = self.get(self.world.ben, instance=str(self.world.instance.pk)).json()
        self.assertEqual(answer["requests"], 7)
        self.assertEqual(answer["statuses"], {"200": 4, "401": 3})
        self.assertEqual(answer["points"][-1]["classes"], {"2xx": 4, "3xx": 0, "4xx": 3, "5xx": 0})
        self.assertEqual(
            answer["refusals"],
            [
                {
                    "policy": "http-basic-authentication",
                    "code": "basic_credentials_missing",
                    "status": 401,
                    "requests": 3,
                }
            ],
        )

    def test_traffic_of_an_environment_is_that_of_its_instances(self) -> None:
        self.assertEqual(self.get(self.world.ada, environment=str(self.world.production.pk)).json()["requests"], 7)

    def test_another_organizations_traffic_is_not_there(self) -> None:
        for user in (self.world.olaf, self.world.cora):
            with self.subTest(user=user.name):
                self.assertEqual(self.get(user, instance=str(self.world.instance.pk)).status_code, 404)
                self.assertEqual(self.get(user, environment=str(self.world.production.pk)).status_code, 404)

    def test_anonymous_is_refused(self) -> None:
        self.assertEqual(self.client.get(reverse("traffic")).status_code, 401)

    def test_a_question_about_nothing_is_refused_with_what_to_name(self) -> None:
        answer = self.get(self.world.ada)
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(answer.json()["fields"], {"/environment": "Name an environment or an instance."})

    def test_the_dashboard_names_the_policy_that_refused(self) -> None:
        page = client_of(self.world.ben).get(console_url(self.world.production, "analytics:dashboard"))
        self.assertContains(page, "Basic authentication")
        self.assertContains(page, "basic_credentials_missing")

    def test_the_dashboard_of_an_instance_is_only_its_own(self) -> None:
        url = console_url(self.world.production, "analytics:instance", self.world.instance.pk)
        self.assertEqual(client_of(self.world.ben).get(url).context["traffic"].requests, 7)
        self.assertEqual(client_of(self.world.olaf).get(url).status_code, 404)

    def test_an_instance_of_another_environment_is_not_found_here(self) -> None:
        url = console_url(self.world.sandbox, "analytics:instance", self.world.instance.pk)
        self.assertEqual(client_of(self.world.ada).get(url).status_code, 404)

    def test_htmx_gets_the_figures_alone(self) -> None:
        url = console_url(self.world.production, "analytics:dashboard")
        answer = client_of(self.world.ada).get(url, headers={"HX-Request": "true"})
        self.assertNotContains(answer, "<html")
        self.assertContains(answer, "Refused by policies")

    def test_an_empty_environment_says_how_to_get_traffic(self) -> None:
        page = client_of(self.world.ada).get(console_url(self.world.sandbox, "analytics:dashboard"))
        self.assertContains(page, "No traffic in this time")
