"""What goes into a question to a directory. What comes of it is tested with a real one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import MATCH_EQUAL, compile_filter, parse_filter

from gateway_runtime.directories.ldap import check_authorities, check_dn, check_filter, escape_value


@given(st.text(max_size=40))
def test_a_value_stays_one_value_whatever_is_in_it(name: str) -> None:
    try:
        sent = name.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate never comes out of a header that is read as UTF-8
    root = parse_filter(f"(uid={escape_value(name)})", None, False, False, None, False)
    [node] = root.elements
    assert node.tag == MATCH_EQUAL
    assert bytes(compile_filter(node)["equalityMatch"]["assertionValue"]) == sent


@pytest.mark.parametrize(
    "template",
    ["(uid={0})", "(sAMAccountName={0})", "(|(uid={0})(mail={0}))", "(&(a=b)(!(c=*))(uid:caseExactMatch:={0}))"],
)
def test_filters_that_are_taken(template: str) -> None:
    check_filter(template)


@pytest.mark.parametrize(
    "template", ["", "(uid=ada)", "uid={0}", "(uid={0}", "(uid={0}))", "({0})", "(&uid={0})", "{0}"]
)
def test_filters_that_are_not(template: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        check_filter(template)


@pytest.mark.parametrize("dn", ["dc=example,dc=com", "cn=a b+uid=c,o=x", r"cn=a\,b,o=x"])
def test_names_that_are_taken(dn: str) -> None:
    check_dn(dn, "search base")


@pytest.mark.parametrize("dn", ["example.com", "dc=example,,dc=com", "=x", "ou"])
def test_names_that_are_not(dn: str) -> None:
    with pytest.raises(ValueError, match="The search base is not a distinguished name"):
        check_dn(dn, "search base")


def test_authorities_are_certificates() -> None:
    with pytest.raises(ValueError, match="not a certificate in PEM form"):
        check_authorities("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n")
