"""Policies on other apps' pages."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """Policy bindings of API instances."""

    name = "portal.policies"

    def ready(self) -> None:
        """Add the tab of an API instance and the step of the checklist."""
        from django.core.checks import register

        from portal.core import checklist, panels
        from portal.policies.bulk_actions import bulk_actions_register
        from portal.policies.checks import check_custom_policies
        from portal.policies.selectors import policy_applied

        register(check_custom_policies)
        bulk_actions_register()
        panels.register_tab(
            "instance",
            name="policies",
            title="Policies",
            url_name="policies:list",
            icon="shield",
            permission="policy.view",
            order=20,
        )
        checklist.register(
            40,
            "policy-applied",
            "Apply a policy",
            "Open an API, choose Policies and add one. It is enforced in under a second.",
            "apis:list",
            policy_applied,
        )
