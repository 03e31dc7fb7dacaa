"""The inline model and the resources it stands for."""

import pytest

from gateway_runtime.local.kinds import Kind
from tests.gateway_runtime.local.kit import ask, binding, fault, faults, instance, loaded, only_api, service

SHOP = instance(
    "shop",
    more="""
    services:
      orders:
        address: http://10.0.0.1:9000
        routes:
          - rules: [{path: "/orders(/.*)"}]
          - rules: [{path: "/old(/.*)"}]
            config: {destinationPath: /v1}
      rest:
        address: https://rest.example
    policies:
      - policyRef: {name: header-injection-flex}
        config: {inboundHeaders: [{key: x-a, value: "1"}]}
      - policyRef: {name: rate-limiting-flex, namespace: default}
        config: {rateLimits: [{maximumRequests: 1, timePeriodInMilliseconds: 1000}]}
    """,
)
ROUTE_TO = """
targetRef: {{name: shop}}
policyRef: {{name: route}}
config: {{destinationRef: {{name: {service}}}}}
order: {order}
"""


def test_generated_names_are_the_documented_ones() -> None:
    made = loaded(SHOP)
    assert [(each.kind, each.name) for each in made.resources] == [
        (Kind.API_INSTANCE, "shop"),
        (Kind.SERVICE, "shop-orders"),
        (Kind.POLICY_BINDING, "shop-orders-route-1"),
        (Kind.POLICY_BINDING, "shop-orders-route-2"),
        (Kind.SERVICE, "shop-rest"),
        (Kind.POLICY_BINDING, "shop-rest-route-1"),
        (Kind.POLICY_BINDING, "shop-header-injection-flex-1"),
        (Kind.POLICY_BINDING, "shop-rate-limiting-flex-2"),
    ]
    assert {each.owner for each in made.resources[1:]} == {"shop"}


def test_inline_policies_run_in_the_order_of_the_list_whatever_their_usual_order() -> None:
    policies = only_api(loaded(SHOP)).policies
    assert [(each.policy, each.order) for each in policies] == [("header-injection", 50), ("rate-limiting", 50)]


def test_a_service_without_routes_takes_what_is_left() -> None:
    made = loaded(SHOP)
    assert ask(made, "/orders/7").upstream_path == "/7"
    assert ask(made, "/old/7").upstream_path == "/v1/7"
    assert ask(made, "/other").route.endswith("shop-rest-route-1")


def test_services_have_the_usual_port_of_their_scheme() -> None:
    (orders, rest) = only_api(loaded(SHOP)).services
    assert (orders.scheme, orders.targets[0].host, orders.targets[0].port) == ("http", "10.0.0.1", 9000)
    assert (rest.scheme, rest.targets[0].host, rest.targets[0].port) == ("https", "rest.example", 443)


def test_a_generated_service_can_be_a_destination() -> None:
    made = loaded(SHOP, binding("first", ROUTE_TO.format(service="shop-orders", order=1)))
    assert ask(made, "/anything").route.endswith("/first")


def test_a_generated_name_that_is_taken_is_refused_with_both_places() -> None:
    assert fault(SHOP, service("shop-orders")) == (
        "api.yaml:25: metadata.name: The Service “shop-orders” is there twice: also in api.yaml:8."
    )


def test_inline_policies_have_no_order_key() -> None:
    text = SHOP.replace(
        "policyRef: {name: header-injection-flex}", "policyRef: {name: header-injection-flex}\n      order: 5"
    )
    assert fault(text) == (
        "api.yaml:18: spec.policies[0].order: Inline policies run in the order of the list. "
        "Use a PolicyBinding to give an order."
    )


def test_every_part_is_checked_where_it_stands() -> None:
    text = SHOP.replace("http://10.0.0.1:9000", "ftp://10.0.0.1").replace('"/old(/.*)"', '"/old("')
    assert faults(text.replace("maximumRequests: 1,", "maximumRequests: 0,")) == [
        "api.yaml:9: spec.services.orders.address: “ftp://10.0.0.1” is not an address. "
        "Write http://host:port or https://host:port.",
        "api.yaml:12: spec.services.orders.routes[1].rules[0].path: “/old(” is not a valid RE2 pattern.",
        "api.yaml:20: spec.policies[1].config.rateLimits[0].maximumRequests: Use 1 or more.",
    ]


@pytest.mark.parametrize("name", ["a b", "-a", '""', "a/b"])
def test_a_service_name_becomes_part_of_a_name(name: str) -> None:
    text = instance(more=f"services:\n  {name}: {{address: 'http://10.0.0.1:1'}}\n")
    assert "A name has letters, digits" in fault(text) or "at least 1" in fault(text) or ">= 1" in fault(text)
