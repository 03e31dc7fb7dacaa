"""The order in which policies run when nobody says otherwise. Add a line here with every policy."""

from gateway_runtime.policies.registry import all_definitions


def test_default_order() -> None:
    assert [(policy.name, policy.default_order) for policy in all_definitions()] == [
        ("cors", 10),
        ("response-compression", 12),
        ("message-logging", 15),
        ("tracing", 16),
        ("ip-blocklist", 20),
        ("ip-allowlist", 30),
        ("request-size-limit", 40),
        ("maintenance", 50),
        ("http-basic-authentication", 100),
        ("ldap-authentication", 110),
        ("jwt-validation", 150),
        ("oauth2-token-introspection", 160),
        ("openidconnect-access-token-enforcement", 170),
        ("hmac-signature", 180),
        ("client-id-enforcement", 200),
        ("native-ext-authz", 250),
        ("spike-control", 290),
        ("rate-limiting", 300),
        ("request-decompression", 310),
        ("json-threat-protection", 320),
        ("xml-threat-protection", 321),
        ("dataweave-request-filter", 380),
        ("http-caching", 385),
        ("dataweave-headers-transformation", 395),
        ("header-injection", 400),
        ("dataweave-body-transformation", 405),
        ("header-removal", 410),
        ("credential-injection-basic-auth", 420),
        ("credential-injection-api-key", 421),
        ("credential-injection-oauth2", 422),
        ("aws-request-signature", 430),
        ("response-timeout", 500),
        ("stream-idle-timeout", 510),
        ("idle-timeout", 520),
        ("circuit-breaker", 530),
        ("health-check", 900),
    ]
