"""REST: gateways and listeners."""

from datetime import timedelta

from django.utils import timezone

from portal.gateways.models import Replica
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectApiCases


class GatewayApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/gateways/"
    target = "gateway"
    other_target = "other_gateway"
    change = {"name": "Renamed"}

    def get_create(self):
        return {"environment": self.world.production.pk, "name": "Second", "port": 8090}

    create = {"name": "Second"}

    def test_a_gateway_shows_its_replicas_and_status(self):
        now = timezone.now()
        Replica.objects.create(
            gateway=self.world.gateway, replica_id="r1", host="edge-1", pid=7, version="0.1.0", workers=2,
            started_at=now - timedelta(hours=1), seen_at=now, revision=3, state="applied",
        )  # fmt: skip
        body = self.owner_client().get(f"{self.path}{self.world.gateway.pk}/").json()
        assert body["status"]["state"] == "connected"
        assert body["status"]["revision"] == 3
        assert body["replicas"][0]["host"] == "edge-1"
        assert body["replicas"][0]["connection"] == "connected"

    def test_keys_never_leave_the_portal_by_rest(self):
        text = self.owner_client().get(f"{self.path}{self.world.gateway.pk}/").content.decode()
        for secret in (self.world.gateway.signing_key, self.world.gateway.encrypt_key, self.world.gateway.verify_key):
            assert secret not in text

    def test_gateway_that_serves_something_is_not_deleted(self):
        response = self.owner_client().delete(f"{self.path}{self.world.gateway.pk}/")
        assert response.status_code == 409
        assert "Orders v1" in response.json()["message"]
