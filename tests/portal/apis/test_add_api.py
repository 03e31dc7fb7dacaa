"""“Add API”, step by step, as a browser without script goes through it."""

from django.core.files.uploadedfile import SimpleUploadedFile

from portal.apis.add_forms import EndpointStepForm
from portal.apis.models import ApiInstance
from portal.audit.models import AuditEvent
from portal.catalog.models import Api
from portal.core.links import console_url
from portal.core.setting_forms.posted import ADD, as_posted
from portal.organizations.models import Role
from tests.portal.base import PortalTestCase, make_gateway, make_role, make_user
from tests.portal.catalog.specifications import ORDERS

# What a browser sends of the parts that nobody opened.
FOLDED = {
    name: value for place, part in EndpointStepForm.parts.items() for name, value in as_posted(part, {}, place).items()
}
RETURNS = ORDERS.replace("title: Orders", "title: Returns")


class AddApiTests(PortalTestCase):
    def setUp(self):
        self.client = self.client_of(self.world.ada)

    def address(self, step):
        return console_url(self.world.production, f"apis:add_{step}")

    def post(self, step, **form):
        return self.client.post(self.address(step), form)

    def choose_gateway(self):
        return self.post("gateway", gateway=str(self.world.gateway.pk))

    def choose_version(self):
        return self.post("api", choice="existing", api_version=str(self.world.api_version.pk))

    def endpoint(self, **changes):
        form = {"port": "8080", "base_path": "/returns", "implementation_url": "https://returns.example.test/api/"}
        return self.post("endpoint", **(form | {"label": "", "consumer_endpoint": ""} | FOLDED | changes))

    def test_api_of_the_catalog_is_deployed(self):
        assert self.choose_gateway()["Location"] == self.address("api")
        assert self.choose_version()["Location"] == self.address("endpoint")
        assert self.endpoint()["Location"] == self.address("review")
        review = self.client.get(self.address("review")).content.decode()
        assert "http://localhost:8080/returns" in review
        assert "https://returns.example.test/api/" in review
        response = self.post("review")
        instance = ApiInstance.objects.get(base_path="/returns")
        assert response["Location"] == instance.get_absolute_url()
        assert instance.api_version == self.world.api_version
        assert instance.services.get().url == "https://returns.example.test/api"
        assert AuditEvent.objects.get(action="instance.deploy").actor_id == self.world.ada.pk

    def test_folded_parts_are_deployed_with_it(self):
        self.choose_gateway()
        self.choose_version()
        folded = {
            "service_settings.targets.0.address": "https://returns-2.example.test",
            "service_settings.targets.0.weight": "5",
            "settings.limits.responseSeconds": "30",
        }
        assert self.endpoint(**folded)["Location"] == self.address("review")
        self.post("review")
        instance = ApiInstance.objects.get(base_path="/returns")
        assert instance.services.get().settings["targets"] == [
            {"address": "https://returns-2.example.test", "weight": 5}
        ]
        assert instance.settings["limits"] == {"responseSeconds": 30}

    def test_what_is_wrong_in_a_folded_part_is_said_beside_it(self):
        self.choose_gateway()
        self.choose_version()
        row = {"service_settings.targets.0.address": "http://b.test", "service_settings.targets.0.weight": "5"}
        response = self.endpoint(**row)
        assert "Write https here" in response.context["form"].errors["service_settings.targets.0.address"][0]

    def test_a_target_more_is_given_without_script_and_nothing_typed_is_lost(self):
        self.choose_gateway()
        self.choose_version()
        row = {"service_settings.targets.0.address": "https://b.test", "service_settings.targets.0.weight": "5"}
        form = self.endpoint(base_path="/kept", **row, **{ADD: "service_settings.targets"}).context["form"]
        assert form["base_path"].value() == "/kept"
        assert form["service_settings.targets.0.address"].value() == "https://b.test"
        assert "service_settings.targets.1.address" in form.fields

    def test_nothing_secret_can_be_typed_into_what_a_session_keeps(self):
        self.choose_gateway()
        self.choose_version()
        fields = self.client.get(self.address("endpoint")).context["form"].fields
        assert not [name for name in fields if "tls.key" in name or "tls.certificate" in name]

    def test_new_api_from_an_uploaded_specification_is_deployed(self):
        self.choose_gateway()
        file = SimpleUploadedFile("returns.yaml", RETURNS.encode())
        assert self.post("api", choice="import", layer="process", file=file)["Location"] == self.address("endpoint")
        assert not Api.objects.filter(name="Returns").exists()
        suggested = self.client.get(self.address("endpoint")).context["form"]["base_path"].value()
        assert suggested == "/returns"
        self.endpoint()
        self.post("review")
        api = Api.objects.get(name="Returns")
        assert api.layer == "process"
        assert api.versions.get().specification.source == RETURNS
        assert ApiInstance.objects.get(base_path="/returns").api_version.api == api

    def test_new_api_by_name_only_is_deployed(self):
        self.choose_gateway()
        self.post("api", choice="name", name="Returns", version="v3", layer="system")
        self.endpoint()
        self.post("review")
        assert str(ApiInstance.objects.get(base_path="/returns")) == "Returns v3"

    def test_api_step_needs_what_its_choice_asks_for(self):
        self.choose_gateway()
        for choice, field in (("existing", "api_version"), ("import", "file"), ("name", "name")):
            response = self.post("api", choice=choice)
            assert response.status_code == 422, choice
            assert set(response.context["form"].errors) == {field}, choice

    def test_faulty_specification_is_explained_and_nothing_is_kept(self):
        self.choose_gateway()
        response = self.post("api", choice="import", text=RETURNS.replace("responses:", "answers:"))
        assert "responses" in response.context["form"].errors["text"][0]
        assert self.client.get(self.address("endpoint"))["Location"] == self.address("api")

    def test_taken_name_is_refused_in_its_step(self):
        self.choose_gateway()
        response = self.post("api", choice="name", name="orders", version="v1")
        assert "already an API named orders" in response.context["form"].errors["name"][0]

    def test_overlapping_base_path_names_both_apis(self):
        self.choose_gateway()
        self.post("api", choice="name", name="Returns", version="v1")
        response = self.endpoint(base_path="/orders/open")
        sentence = response.context["form"].errors["base_path"][0]
        assert "Returns v1" in sentence
        assert "Orders v1" in sentence

    def test_private_address_is_refused_where_the_environment_does_not_allow_it(self):
        self.choose_gateway()
        self.choose_version()
        response = self.endpoint(implementation_url="http://2130706433:9001")
        assert "Production does not allow" in response.context["form"].errors["implementation_url"][0]

    def test_help_says_that_the_url_is_no_resource(self):
        self.choose_gateway()
        self.choose_version()
        assert "not a resource" in self.client.get(self.address("endpoint")).content.decode()

    def test_back_keeps_what_was_typed(self):
        self.choose_gateway()
        self.choose_version()
        assert self.endpoint(base_path="not good", back="1")["Location"] == self.address("api")
        assert self.client.get(self.address("api")).context["form"]["api_version"].value() == str(
            self.world.api_version.pk
        )
        assert self.client.get(self.address("endpoint")).context["form"]["base_path"].value() == "not good"

    def test_back_to_an_imported_specification_does_not_ask_for_the_file_again(self):
        self.choose_gateway()
        self.post("api", choice="import", text=RETURNS)
        assert "is read and ready" in self.client.get(self.address("api")).content.decode()
        assert self.post("api", choice="import")["Location"] == self.address("endpoint")

    def test_steps_cannot_be_skipped(self):
        for step in ("api", "endpoint", "review"):
            assert self.client.get(self.address(step))["Location"] == self.address("gateway")
        assert self.post("review")["Location"] == self.address("gateway")

    def test_what_became_impossible_before_the_review_is_explained_there(self):
        self.choose_gateway()
        self.choose_version()
        self.endpoint(base_path="/late")
        self.world.instance.base_path = "/late"
        self.world.instance.save()
        response = self.post("review")
        assert response.status_code == 422
        assert "/late" in response.context["refused"].fields["base_path"]

    def test_gateway_that_vanished_leads_back_to_its_step(self):
        gateway = make_gateway(self.world.production, "Second", port=8081)
        self.post("gateway", gateway=str(gateway.pk))
        gateway.delete()
        assert self.client.get(self.address("api")).status_code == 200
        self.choose_version()
        assert self.client.get(self.address("endpoint"))["Location"] == self.address("gateway")

    def test_new_port_gets_a_listener(self):
        self.choose_gateway()
        self.choose_version()
        self.endpoint(port="8085", base_path="/")
        assert "a new listener" in self.client.get(self.address("review")).content.decode()
        self.post("review")
        assert ApiInstance.objects.get(base_path="/").listener.port == 8085

    def test_choice_made_on_another_page_is_taken_over(self):
        address = console_url(self.world.production, "apis:create")
        page = self.client.get(f"{address}?gateway={self.world.gateway.pk}&api_version={self.world.api_version.pk}")
        assert str(page.context["form"]["gateway"].value()) == str(self.world.gateway.pk)
        self.choose_gateway()
        assert self.client.get(self.address("api")).context["form"]["api_version"].value() == str(
            self.world.api_version.pk
        )

    def test_gateway_of_another_organization_cannot_be_chosen(self):
        response = self.post("gateway", gateway=str(self.world.other_gateway.pk))
        assert response.status_code == 422

    def test_viewer_and_strangers_cannot_add(self):
        assert self.client_of(self.world.ben).get(self.address("gateway")).status_code == 403
        assert self.client_of(self.world.cora).get(self.address("gateway")).status_code == 404

    def test_editor_of_one_environment_deploys_from_the_catalog_but_adds_nothing_to_it(self):
        editor = make_user("Edda Environment")
        make_role(editor, self.world.production, Role.EDITOR)
        self.client = self.client_of(editor)
        self.choose_gateway()
        response = self.post("api", choice="name", name="Returns")
        assert "choice" in response.context["form"].errors
        self.choose_version()
        self.endpoint()
        self.post("review")
        assert ApiInstance.objects.filter(base_path="/returns").exists()

    def test_cancel_forgets_everything(self):
        self.choose_gateway()
        self.client.post(self.address("cancel"))
        assert self.client.get(self.address("api"))["Location"] == self.address("gateway")
