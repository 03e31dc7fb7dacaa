"""Puts analytics on the pages of lower apps."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Registers the instance's tab and the checklist's last steps."""

    name = "portal.analytics"

    def ready(self) -> None:
        """Register tab and steps."""
        from portal.analytics.panels import panels_register
        from portal.analytics.selectors import calls_counted, requests_served, traffic_seen
        from portal.core import checklist, panels
        from portal.publishing.effects import call_counter_register

        call_counter_register(calls_counted)
        panels_register()
        panels.register_tab(
            "instance",
            name="analytics",
            title="Analytics",
            url_name="analytics:instance",
            icon="chart-line",
            permission="traffic.view",
            order=40,
        )
        checklist.register(
            30,
            "first-request",
            "Send the first request",
            "Call an API through the gateway: its page has a curl command to copy.",
            "apis:list",
            lambda environment: requests_served(environment=environment),
        )
        checklist.register(
            50,
            "traffic-seen",
            "See the traffic",
            "Every call is on a chart within ten seconds, with the policy that refused it.",
            "analytics:dashboard",
            lambda environment: traffic_seen(environment=environment),
        )
