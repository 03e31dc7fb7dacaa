"""The console's pages of routes and services."""

from portal.apis.models import Service
from portal.apis.service_settings import service_secrets
from portal.core.links import console_url
from portal.core.setting_forms.outline import SWITCH
from portal.core.setting_forms.posted import ADD, REMOVE
from tests.certificates import Authority
from tests.portal.base import PortalTestCase
from tests.portal.cases import ObjectPageCases

PAIR = Authority().issue("gateway.example.test")


class RoutePageTests(ObjectPageCases, PortalTestCase):
    edit_page = "apis:route_edit"
    actions = ("apis:route_delete", "apis:route_place", "apis:route_earlier", "apis:route_later")

    def get_target(self):
        return self.world.instance.routes.get(name="all requests")

    def get_other_target(self):
        return self.world.other_instance.routes.get()

    @property
    def form(self):
        service = self.world.instance.services.get(name="default")
        return {
            "name": "reads",
            "rules.0.methods": "get head",
            "rules.0.path": "/items(/.*)?",
            "rules.0.headers": "X-Kind: a|b",
            "destinations.0.service": str(service.pk),
            "destinations.0.weight": "1",
            "position": "0",
        }

    def add(self, **changes):
        address = console_url(self.world.production, "apis:route_create", self.world.instance.pk)
        return self.owner_client().post(address, self.form | changes)

    def test_route_is_added_with_its_condition(self):
        self.add()
        (rule,) = self.world.instance.routes.get(name="reads").rules
        assert rule == {"methods": "GET|HEAD", "path": "/items(/.*)?", "headers": {"x-kind": "a|b"}}

    def test_a_new_route_begins_with_the_main_service(self):
        Service.objects.create(instance=self.world.instance, name="canary", url="https://canary.example.test")
        address = console_url(self.world.production, "apis:route_create", self.world.instance.pk)
        offered = self.owner_client().get(address).context["form"].fields["destinations.0.service"].choices
        assert [name for _, name in offered] == ["default", "canary"]

    def test_blank_condition_says_nothing(self):
        self.add(**{"rules.1.path": "", "rules.1.methods": ""})
        assert len(self.world.instance.routes.get(name="reads").rules) == 1

    def test_pattern_that_re2_cannot_read_is_refused_beside_it(self):
        response = self.add(**{"rules.0.path": "(?=x)"})
        assert response.status_code == 422
        assert "RE2" in response.context["form"].errors["rules.0.path"][0]

    def test_service_of_another_instance_cannot_be_chosen(self):
        other = Service.objects.get(instance=self.world.other_instance)
        response = self.add(**{"destinations.0.service": str(other.pk)})
        assert "destinations.0.service" in response.context["form"].errors

    def test_two_routes_for_the_same_requests_are_refused_with_both_names(self):
        self.add()
        page = self.add(name="again").content.decode()
        assert "“reads” and “again” hold for the same requests" in page

    def test_a_destination_more_is_given_without_script(self):
        response = self.add(**{ADD: "destinations"})
        form = response.context["form"]
        assert "destinations.1.service" in form.fields
        assert form["name"].value() == "reads"

    def test_a_condition_less_is_given_without_script(self):
        form = self.add(**{REMOVE: "rules.0"}).context["form"]
        assert not [name for name in form.fields if name.startswith("rules.")]

    def test_moved_route_is_said_in_the_list(self):
        self.add()
        address = console_url(self.world.production, "apis:route_place", self.get_target().pk)
        page = self.owner_client().post(address, {"position": 0}, headers={"hx-request": "true"}).content.decode()
        assert "all requests is number 1 of 2." in page


class ServicePageTests(ObjectPageCases, PortalTestCase):
    edit_page = "apis:service_edit"
    actions = ("apis:service_delete",)

    @property
    def form(self):
        return {**self.settings(), "name": "default", "url": "https://orders-eu.example.test/api"}

    def get_target(self):
        return self.world.instance.services.get(name="default")

    def get_other_target(self):
        return self.world.other_instance.services.get()

    def settings(self):
        """Return what a browser posts of a form in which nothing was touched."""
        address = console_url(self.world.production, "apis:service_create", self.world.instance.pk)
        form = self.owner_client().get(address).context["form"]
        return {
            name: form[name].value()
            for name in form.fields
            if name.startswith("settings.") and form[name].value() not in (None, False)
        }

    def add(self, **changes):
        address = console_url(self.world.production, "apis:service_create", self.world.instance.pk)
        return self.owner_client().post(address, {**self.form, "name": "europe", **changes})

    def added(self, **changes):
        response = self.add(**changes)
        assert response.status_code == 302, response.context["form"].errors
        return self.world.instance.services.get(name="europe")

    def test_service_of_which_only_the_url_is_said_has_no_part_that_is_switched(self):
        service = self.added()
        assert service.url == "https://orders-eu.example.test/api"
        assert not {"tls", "healthCheck", "outliers", "retries"} & set(service.settings)

    def test_a_part_that_is_switched_on_is_saved(self):
        service = self.added(**{f"settings.healthCheck.{SWITCH}": "on", "settings.healthCheck.path": "/up"})
        assert service.settings["healthCheck"]["path"] == "/up"

    def test_what_is_wrong_in_a_part_that_is_switched_off_does_not_matter(self):
        assert self.added(**{"settings.healthCheck.intervalSeconds": "soon"})

    def test_further_targets_are_rows(self):
        rows = {"settings.targets.0.address": "https://b.example.test", "settings.targets.0.weight": "5"}
        assert self.added(**rows).settings["targets"] == [{"address": "https://b.example.test", "weight": 5}]

    def test_a_fault_is_beside_its_field(self):
        rows = {"settings.targets.0.address": "http://b.example.test", "settings.targets.0.weight": "5"}
        assert "Write https here" in self.add(**rows).context["form"].errors["settings.targets.0.address"][0]

    def test_the_key_is_never_shown_and_kept_when_left_empty(self):
        tls = {
            f"settings.tls.{SWITCH}": "on",
            "settings.tls.certificate": PAIR.certificate,
            "settings.tls.key": PAIR.key,
        }
        service = self.added(**tls)
        address = console_url(self.world.production, "apis:service_edit", service.pk)
        page = self.owner_client().get(address).content.decode()
        assert "PRIVATE KEY" not in page
        assert "Leave it empty to keep the present one" in page
        changed = {**self.form, **tls, "name": "europe", "settings.tls.key": ""}
        assert self.owner_client().post(address, changed).status_code == 302
        service.refresh_from_db()
        assert service_secrets(service)["tls.key"].strip() == PAIR.key.strip()

    def test_a_key_that_was_typed_is_not_shown_again_with_an_error(self):
        tls = {f"settings.tls.{SWITCH}": "on", "settings.tls.certificate": "x", "settings.tls.key": PAIR.key}
        response = self.add(**tls)
        assert response.status_code == 422
        assert "PRIVATE KEY" not in response.content.decode()

    def test_skipped_validation_is_warned_of(self):
        service = self.added(**{f"settings.tls.{SWITCH}": "on", "settings.tls.skipValidation": "on"})
        page = self.owner_client().get(console_url(self.world.production, "apis:service_edit", service.pk))
        assert "is not checked" in page.content.decode()

    def test_service_in_use_stays(self):
        address = console_url(self.world.production, "apis:service_delete", self.get_target().pk)
        response = self.owner_client().post(address, follow=True)
        assert "all requests" in response.content.decode()
        assert self.world.instance.services.count() == 1
