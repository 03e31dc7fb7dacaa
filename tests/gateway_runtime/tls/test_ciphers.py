import pytest

from gateway_runtime.tls.ciphers import DEFAULTS, UnknownCipher, openssl_names


def test_without_a_list_the_documented_defaults_hold() -> None:
    assert openssl_names([]) == list(DEFAULTS.values())
    assert sorted(DEFAULTS.values()) == [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ]


def test_a_list_replaces_the_defaults_in_its_order() -> None:
    listed = ["TLS_RSA_WITH_AES_256_GCM_SHA384", "ECDHE_RSA_WITH_AES_128_CBC_SHA"]
    assert openssl_names(listed) == ["AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA"]


def test_suites_of_tls_1_3_are_always_on_and_replace_nothing() -> None:
    assert openssl_names(["TLS_AES_128_GCM_SHA256"]) == list(DEFAULTS.values())
    assert openssl_names(["TLS_AES_128_GCM_SHA256", "RSA_WITH_AES_128_CBC_SHA"]) == ["AES128-SHA"]


def test_suites_with_pre_shared_keys_are_known_and_never_chosen() -> None:
    assert openssl_names(["TLS_PSK_WITH_AES_128_CBC_SHA", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"]) == []


def test_an_unknown_name_is_refused_with_its_place() -> None:
    with pytest.raises(UnknownCipher) as refused:
        openssl_names(["TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_RC4_128_MD5"])
    assert refused.value.index == 1
    assert "TLS_RSA_WITH_RC4_128_MD5" in str(refused.value)
