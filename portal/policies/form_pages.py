"""The one form page of all policies: to apply one, and to edit its settings."""

from typing import Any, ClassVar

from django.http import Http404
from django.utils.functional import cached_property

from gateway_runtime.policies.registry import definition
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition
from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.links import console_url
from portal.core.markdown import markdown_html
from portal.core.setting_forms.pages import SettingsPage
from portal.core.setting_forms.secrets import with_placeholders
from portal.policies import services
from portal.policies.declarative import binding_file, binding_json
from portal.policies.forms import PolicyForm
from portal.policies.instance_pages import BindingView, InstancePage, pages_above
from portal.policies.settings import secret_settings
from portal.policies.when import PLACE, shown_when


class PolicyFormPage(SettingsPage):
    """What applying and editing share: the one form page of all policies."""

    template_name = "policies/form.html"
    permission = "policy.change"
    form_class = PolicyForm
    # Whether it is applied to all instances that match, instead of one.
    automated: ClassVar[bool] = False

    @property
    def policy(self) -> PolicyDefinition:
        """Return the definition the form is made from."""
        raise NotImplementedError

    @property
    def instance(self) -> ApiInstance:
        """Return the API instance. Not asked for where `automated` is set."""
        raise NotImplementedError

    def shown_config(self) -> dict[str, Any] | None:
        """Return the settings the form begins with; None for the defaults."""
        raise NotImplementedError

    def kept(self) -> dict[str, Any]:
        """Return the secrets that may be left empty."""
        return {}

    def shown_when(self) -> dict[str, Any] | None:
        """Return mode and conditions as the form begins; None for the defaults."""
        return None

    def form_arguments(self) -> dict[str, Any]:
        """Return what the form is made from."""
        return {
            "definition": self.policy,
            "config": self.shown_config(),
            "kept": self.kept(),
            "when": self.shown_when(),
            "automated": self.automated,
        }

    def typed_arguments(self, typed: dict[str, Any]) -> dict[str, Any]:
        """Return settings and conditions as the form takes them."""
        return {"config": typed[""], "when": typed[PLACE]}

    def save(self, values: dict[str, Any]) -> Any:
        """Call the service with the settings."""
        return self.service(actor=self.request.user, **self.object_argument(), **self.service_arguments())

    def service_arguments(self) -> dict[str, Any]:
        """Return the settings, and when it acts."""
        return {"config": self.form.config, **self.form.when}

    def command_values(self) -> dict[str, Any]:
        """Return the same with a placeholder for each secret that was typed; those left as they are stay so by REST."""
        config = with_placeholders(self.form.config, self.policy.secret_settings())
        return {**self.service_arguments(), "config": config}

    def success_url(self, result: Any) -> str:
        """Go back to the instance's policies, where the change is seen going out."""
        return console_url(self.request, "policies:list", self.instance.pk)

    def cancel_url(self) -> str:
        """Return the instance's policies."""
        return console_url(self.request, "policies:list", self.instance.pk)

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the way through the instance's pages."""
        return pages_above(self.request, self.instance)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the policy and its documentation."""
        _, _, text = self.policy.documentation.strip().partition("\n")  # its title is the page's
        return super().get_context(
            policy=self.policy, documentation=markdown_html(text, top_heading=2), files=self.files(), **context
        )

    def files(self) -> list[tuple[str, str]]:
        """Return the saved policy as (title, text) of files; empty before there is one."""
        return []


class PolicyApply(InstancePage, PolicyFormPage):
    """Apply one policy to the instance."""

    rest = Rest("POST", "/policy-bindings/", takes_object=True)
    permission = "policy.change"
    service = services.policy_apply
    message = ""
    submit_label = "Apply"
    template_name = "policies/form.html"

    @cached_property
    def policy(self) -> PolicyDefinition:
        """Return the policy of the address."""
        try:
            return definition(self.kwargs["policy"])
        except ConfigFault as fault:
            raise Http404(fault.message) from fault

    @property
    def instance(self) -> ApiInstance:
        """Return the object of the page."""
        return self.object

    def page_title(self) -> str:
        """Say which policy."""
        return f"Apply {self.policy.title}"

    def shown_config(self) -> dict[str, Any] | None:
        """Return the example when it was asked for."""
        return self.policy.example if "example" in self.request.GET else None

    def service_arguments(self) -> dict[str, Any]:
        """Add the policy's name."""
        return {"policy": self.policy.name, **super().service_arguments()}

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the way through the choice of policies."""
        return [
            *pages_above(self.request, self.object),
            ("Add policy", console_url(self.request, "policies:add", self.object.pk)),
        ]

    def success_message(self, result: Any) -> str:
        """Say what was applied."""
        return f"{self.policy.title} is applied."


class PolicyEdit(BindingView, PolicyFormPage):
    """Edit a binding's settings."""

    rest = Rest("PATCH", "/policy-bindings/{object.pk}/")
    permission = "policy.change"
    service = services.policy_update
    template_name = "policies/form.html"
    message = "The settings are saved."

    @cached_property
    def policy(self) -> PolicyDefinition:
        """Return the binding's policy."""
        try:
            return definition(self.object.policy)
        except ConfigFault as fault:
            raise Http404(fault.message) from fault

    @property
    def instance(self) -> ApiInstance:
        """Return the binding's instance."""
        return self.object.instance

    def page_title(self) -> str:
        """Say which policy."""
        return self.policy.title

    def shown_config(self) -> dict[str, Any] | None:
        """Return the present settings, or the example when it was asked for."""
        return self.policy.example if "example" in self.request.GET else self.object.config

    def present_arguments(self) -> dict[str, Any]:
        """Compare with the saved settings, also where the example is shown."""
        return {**self.form_arguments(), "config": self.object.config}

    def kept(self) -> dict[str, Any]:
        """Return the stored secrets."""
        return secret_settings(self.object)

    def shown_when(self) -> dict[str, Any]:
        """Return the present mode and conditions."""
        return shown_when(self.object.mode, self.object.rules)

    def files(self) -> list[tuple[str, str]]:
        """Return the saved binding as YAML and JSON."""
        return [("YAML", binding_file(self.object)), ("JSON", binding_json(self.object))]
