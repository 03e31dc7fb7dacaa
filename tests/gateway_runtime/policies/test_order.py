"""The order in which policies run when nobody says otherwise. Add a line here with every policy."""

from gateway_runtime.policies.registry import all_definitions


def test_default_order() -> None:
    assert [(policy.name, policy.default_order) for policy in all_definitions()] == [
        ("cors", 10),
        ("message-logging", 15),
        ("ip-blocklist", 20),
        ("ip-allowlist", 30),
        ("maintenance", 50),
        ("http-basic-authentication", 100),
        ("jwt-validation", 150),
        ("client-id-enforcement", 200),
        ("spike-control", 290),
        ("rate-limiting", 300),
        ("rate-limiting-sla-based", 310),
        ("header-injection", 400),
        ("header-removal", 410),
        ("credential-injection-basic-auth", 420),
        ("credential-injection-api-key", 421),
    ]
