import pytest

from gateway_runtime.fetching.url import parse_url


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://login.example/keys", ("https", "login.example", 443, "login.example", "/keys")),
        ("http://login.example:8080", ("http", "login.example", 8080, "login.example:8080", "/")),
        ("https://[2001:db8::1]:8443/k?a=b", ("https", "2001:db8::1", 8443, "[2001:db8::1]:8443", "/k?a=b")),
        ("https://10.0.0.1/", ("https", "10.0.0.1", 443, "10.0.0.1", "/")),
    ],
)
def test_parts_of_a_url(text: str, parts: tuple) -> None:
    assert parse_url(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "keys",
        "//login.example/keys",
        "file:///etc/passwd",
        "ftp://login.example/keys",
        "gopher://login.example/",
        "unix:/run/redis.sock",
        "HTTPS://login.example/keys",
        "https://ada:sesame@login.example/keys",
        "https://login.example@evil.example/",
        "https://login.example/keys#x",
        "https://login.example?x",
        "https://login.example:0/",
        "https://login.example:70000/",
        "https://login.example:/",
        "https://",
        "https://login.example/a b",
        "https://login.example/a\r\nhost: evil",
        "https://login.example\\@evil.example/",
        "https://lögin.example/",
        "https://-a.example/",
        "https://a.example/" + "x" * 2000,
        " https://login.example/",
    ],
)
def test_what_may_not_be_fetched(text: str) -> None:
    with pytest.raises(ValueError, match="not a URL that can be fetched"):
        parse_url(text)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="This is not a URL") as caught:
        parse_url("https://ada:sesame@login.example/keys")
    assert "sesame" not in str(caught.value)
