"""The console's pages about gateways."""

from datetime import timedelta

from django.utils import timezone

from portal.core.links import console_url
from portal.gateways.models import Gateway, Replica
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectPageCases


class GatewayPageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "gateways:list", "gateways:detail"
    create_page, edit_page = "gateways:create", "gateways:edit"
    target = "gateway"
    other_target = "other_gateway"
    form = {"name": "Renamed", "public_host": "api.example.test"}
    create_form = {"name": "Second", "port": "8090"}
    actions = ("gateways:delete",)

    @staticmethod
    def _assert_saved(response):
        # Who adds a gateway is shown at once how its first replica is started.
        assert response.status_code == 302 or response.context["token"]

    def replica(self, **changes):
        now = timezone.now()
        values = {
            "replica_id": "r1", "host": "edge-host-1", "pid": 7, "version": "0.1.0", "workers": 2,
            "started_at": now, "seen_at": now, "revision": 3, "state": "applied",
        }  # fmt: skip
        return Replica.objects.create(gateway=self.world.gateway, **values | changes)

    def page(self, name, *args):
        return self.owner_client().get(console_url(self.world.production, name, *args))

    def test_connected_gateway_is_shown_with_replica_version_revision_and_contact(self):
        self.replica()
        page = self.page("gateways:detail", self.world.gateway.pk).content.decode()
        for text in ("Connected", "edge-host-1", "0.1.0", "just now"):
            assert text in page

    def test_live_part_says_disconnected_after_silence(self):
        self.replica(seen_at=timezone.now() - timedelta(seconds=20))
        page = self.page("gateways:live", self.world.gateway.pk).content.decode()
        assert "Disconnected" in page
        assert "<html" not in page

    def test_stopping_replica_is_disconnected_at_once(self):
        self.replica(stopping=True)
        assert "Disconnected" in self.page("gateways:list").content.decode()

    def test_error_of_a_replica_is_shown(self):
        self.replica(state="rejected", error_code="bad_pattern", message="The path pattern cannot be read.")
        assert (
            "The path pattern cannot be read." in self.page("gateways:detail", self.world.gateway.pk).content.decode()
        )

    def test_taken_name_is_refused_beside_the_field_and_input_is_kept(self):
        address = console_url(self.world.production, "gateways:create")
        response = self.owner_client().post(address, {"name": "Edge", "port": "8090", "public_host": "a.example.test"})
        assert response.status_code == 422
        assert "already a gateway named Edge" in response.context["form"].errors["name"][0]
        assert "a.example.test" in response.content.decode()
        assert Gateway.objects.filter(environment=self.world.production).count() == 1

    def test_listener_on_a_reserved_port_is_refused(self):
        address = console_url(self.world.production, "gateways:listener_create", self.world.gateway.pk)
        response = self.owner_client().post(address, {"port": "9998"})
        assert response.status_code == 422
        assert "admin port" in response.context["form"].errors["port"][0]

    def test_listener_in_use_is_not_closed(self):
        address = console_url(self.world.production, "gateways:listener_delete", self.world.listener.pk)
        response = self.owner_client().post(address, follow=True)
        assert "Orders v1" in response.content.decode()
        assert self.world.gateway.listeners.count() == 1

    def test_checklist_ticks_when_a_replica_is_heard_of(self):
        from portal.core.checklist import states

        def done():
            return next(s.done for s in states(self.world.production) if s.step.key == "gateway-connected")

        assert not done()
        self.replica()
        assert done()
