"""XML threat protection: which bodies are looked at, what each limit counts, and which attacks end there."""

import time
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.xml_threat_protection_reading import Limits, fault_of
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import SentRequest, policy_case, request

XML = {"content-type": "application/xml"}
NO_LIMITS = Limits(depth=-1, attributes=-1, children=-1, text=-1, attribute=-1, comment=-1)


def posted(body: bytes | str, headers: Any = XML) -> SentRequest:
    return request("POST", "/orders", headers, body=body.encode() if isinstance(body, str) else body)


def code(config: dict[str, Any], body: bytes | str, headers: Any = XML) -> str | None:
    refused = policy_case("xml-threat-protection", config).send(posted(body, headers))
    if refused is None:
        return None
    assert (refused.status, refused.policy) == (400, "xml-threat-protection")
    return refused.code


@pytest.mark.parametrize(
    ("setting", "limit", "within", "beyond", "refusal"),
    [
        ("maxNodeDepth", 2, "<a><b/><b/></a>", "<a><b><c/></b></a>", "xml_too_deep"),
        ("maxNodeDepth", 1, "<a>text</a>", "<a><b/></a>", "xml_too_deep"),
        ("maxAttributeCountPerElement", 1, "<a x='1'><b y='1'/></a>", "<a x='1' y='2'/>", "xml_too_many_attributes"),
        ("maxAttributeCountPerElement", 0, "<a xmlns='u' xmlns:p='v'/>", "<a p:x='1' xmlns:p='v'/>",
         "xml_too_many_attributes"),
        ("maxAttributeCountPerElement", 0, "<a xmlns='u'/>", "<a xmlnsx='u'/>", "xml_too_many_attributes"),
        ("maxChildCount", 2, "<a> <b/> text <b/> </a>", "<a><b/><b/><b/></a>", "xml_too_many_children"),
        ("maxChildCount", 2, "<a><b/><!----></a>", "<a><b/><!----><?p?></a>", "xml_too_many_children"),
        ("maxChildCount", 1, "<!----><!----><a><b><c/></b></a><!---->", "<a><b/><b/></a>", "xml_too_many_children"),
        ("maxTextLength", 3, "<a>abc<b/>abc<!---->abc</a>", "<a>abcd</a>", "xml_text_too_long"),
        ("maxTextLength", 3, "<a>a&amp;b</a>", "<a>ab<![CDATA[cd]]></a>", "xml_text_too_long"),
        ("maxTextLength", 3, "<a>a\n<b/>b\n</a>", "<a>a\nb\n</a>", "xml_text_too_long"),
        ("maxAttributeLength", 3, "<a x='a&lt;c'/>", "<a x='abcd'/>", "xml_attribute_too_long"),
        ("maxAttributeLength", 3, "<a xmlns='abc'/>", "<a xmlns='abcd'/>", "xml_attribute_too_long"),
        ("maxCommentLength", 3, "<a><!--abc--></a>", "<a><!--abcd--></a>", "xml_comment_too_long"),
        ("maxCommentLength", 3, "<a><?p abc?></a>", "<?p abcd?><a/>", "xml_comment_too_long"),
    ],
)  # fmt: skip
def test_a_limit_holds_to_the_last(setting: str, limit: int, within: str, beyond: str, refusal: str) -> None:
    assert code({setting: limit}, within) is None
    assert code({setting: limit}, beyond) == refusal
    assert code({setting: -1}, beyond) is None
    assert code({}, beyond) is None


@pytest.mark.parametrize("text", ["\u00e9\u00e9\u00e9", "&#233;&#xe9;\u00e9", "\U0001f600\U0001f600\U0001f600"])
def test_characters_are_counted_and_not_their_bytes_or_references(text: str) -> None:
    assert code({"maxTextLength": 3}, f"<a>{text}</a>") is None
    assert code({"maxTextLength": 2}, f"<a>{text}</a>") == "xml_text_too_long"


def test_a_long_text_is_counted_over_all_the_pieces_it_is_read_in() -> None:
    text = "<a>" + "line\n" * 20_000 + "</a>"
    assert code({"maxTextLength": 100_000}, text) is None
    assert code({"maxTextLength": 99_999}, text) == "xml_text_too_long"


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ATTACKS = {
    "billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><a>&l9;</a>',
    "quadratic blow-up": f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 50_000}</a>',
    "a local file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "a URL": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://169.254.169.254/">]><a>&x;</a>',
    "a parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd">%x;]><a/>',
    "an external subset": '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
    "a public one": '<!DOCTYPE a PUBLIC "-//x" "http://127.0.0.1/x.dtd"><a/>',
    "defaults": '<!DOCTYPE a [<!ATTLIST a x CDATA "long">]><a/>',
    "an empty one": "<!DOCTYPE a><a/>",
    "hidden behind comments": "<?xml version='1.0'?>\n<!-- <a> --><?p <!DOCTYPE?>\n<!DOCTYPE a><a/>",
}


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_no_document_type_is_taken(body: str, encoding: str) -> None:
    started = time.process_time()
    assert code({}, body.encode(encoding)) == "xml_doctype_not_allowed"
    assert time.process_time() - started < 1


@pytest.mark.parametrize("body", ["<!doctype a><a/>", "<a/><!DOCTYPE a>", "<a><!DOCTYPE a></a>", "x<!DOCTYPE a><a/>"])
def test_a_document_type_in_a_wrong_place_is_no_xml(body: str) -> None:
    assert code({}, body) == "xml_malformed"


def test_what_looks_like_a_document_type_inside_text_passes() -> None:
    assert code({}, "<a><![CDATA[<!DOCTYPE html [<!ENTITY x 'y'>]>]]><!-- <!DOCTYPE x> --></a>") is None


@pytest.mark.parametrize(
    "body",
    [
        "<a>", "<a></b>", "<a/><b/>", "text", " ", "{}", "<a>&unknown;</a>", "<a x='1' x='2'/>", "<a x=1/>",
        "<a><</a>", "<a>\x00</a>", "<a>&#0;</a>", "<a>&#x110000;</a>", " <?xml version='1.0'?><a/>", "<a>]]></a>",
        "<a><!-- -- --></a>", b"<a>\xff</a>", b"<a>\xc0\x80</a>", b"<a>\xed\xa0\x80</a>", b"\xff\xfe<\x00a\x00",
        b"\xff\xfe<", b"\xfe\xff\xd8\x00",
        "<a/>".encode("utf-16-le"), "<a/>".encode("utf-32"),
    ],
)  # fmt: skip
def test_what_is_not_well_formed_is_refused_whatever_the_limits(body: bytes | str) -> None:
    assert code({}, body) == "xml_malformed"


@pytest.mark.parametrize(
    ("declared", "charset", "encoding", "refusal"),
    [
        ("utf-8", "utf-8", "utf-8", None),
        ("UTF-8", "", "utf-8-sig", None),
        ("", "utf-8", "utf-8", None),
        ("iso-8859-1", "", "latin-1", None),
        ("iso-8859-1", '"ISO-8859-1"', "latin-1", None),
        ("us-ascii", "", "utf-8", "xml_malformed"),
        ("utf-16", "", "utf-16", None),
        ("", "utf-16", "utf-16", None),
        ("utf-8", "", "utf-16", "xml_encoding_not_supported"),
        ("iso-8859-1", "utf-8", "latin-1", "xml_encoding_not_supported"),
        ("utf-8", "iso-8859-1", "utf-8", "xml_encoding_not_supported"),
        ("", "utf-16", "utf-8", "xml_encoding_not_supported"),
        ("", "utf-8", "utf-16", "xml_encoding_not_supported"),
        ("utf-7", "", "utf-7", "xml_encoding_not_supported"),
        ("", "utf-7", "utf-7", "xml_encoding_not_supported"),
        ("cp1252", "", "cp1252", "xml_encoding_not_supported"),
        ("cp037", "", "cp037", "xml_malformed"),
        ("shift_jis", "", "utf-8", "xml_encoding_not_supported"),
        ("rot13", "", "utf-8", "xml_encoding_not_supported"),
        ("", "utf-8; charset=utf-16", "utf-8", "xml_encoding_not_supported"),
    ],
)
def test_an_encoding_has_to_be_known_and_said_in_one_way(
    declared: str, charset: str, encoding: str, refusal: str | None
) -> None:
    declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    headers = {"content-type": f"text/xml; charset={charset}" if charset else "text/xml"}
    assert code({}, f"{declaration}<a>\u00e9</a>".encode(encoding), headers) == refusal


def test_the_limits_hold_in_utf_16() -> None:
    assert code({"maxTextLength": 2}, "<a>\u00e9\u00e9</a>".encode("utf-16")) is None
    assert code({"maxTextLength": 1}, "<a>\u00e9\u00e9</a>".encode("utf-16")) == "xml_text_too_long"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/xml"},
        {"content-type": "Application/XML; charset=utf-8"},
        {"content-type": "application/soap+xml; action=x"},
        [("content-type", "text/plain"), ("content-type", "text/xml")],
    ],
)
def test_bodies_that_count_as_xml(headers: Any) -> None:
    assert code({"maxNodeDepth": 1}, "<a><b/></a>", headers) == "xml_too_deep"


@pytest.mark.parametrize("type_", ["text/plain", "application/json", "application/xml-dtd", "", "xml"])
def test_other_bodies_pass_unread(type_: str) -> None:
    context = posted("<a", {"content-type": type_})
    assert policy_case("xml-threat-protection", {}).send(context) is None
    assert context.body is None


def test_a_request_without_body_passes() -> None:
    assert policy_case("xml-threat-protection").send(posted("")) is None
    empty = posted("")
    empty.body_length = -1
    assert policy_case("xml-threat-protection").send(empty) is None


def test_a_compressed_body_is_refused() -> None:
    assert code({}, "<a/>", {**XML, "content-encoding": "gzip"}) == "xml_encoded"
    assert code({}, "<a/>", {**XML, "content-encoding": "identity"}) is None


MILLION = 1_000_000


@pytest.mark.parametrize(
    ("body", "unlimited"),
    [
        (b"<a>" * MILLION, "xml_malformed"),
        (b"<a>" * MILLION + b"</a>" * MILLION, ""),
        (b"<a " + b" ".join(b"x%d='1'" % n for n in range(100_000)) + b"/>", ""),
        (b"<a " + b" ".join(b"xmlns:p%d='u'" % n for n in range(100_000)) + b"/>", ""),
        (b"<a x='" + b"y" * MILLION, "xml_malformed"),
        (b"<!--" + b"-!" * MILLION, "xml_malformed"),
        (b"<!-- --> " * 100_000 + b"<a/>", ""),
        (b"<?" + b"?" * MILLION, "xml_malformed"),
        (b" " * MILLION + b"<!DOCTYPE", "xml_doctype_not_allowed"),
        (b"<a>" + b"&#x41;" * 200_000 + b"</a>", ""),
    ],
)
def test_masses_take_no_stack_and_no_long_time(body: bytes, unlimited: str) -> None:
    started = time.process_time()
    assert fault_of(body, "", NO_LIMITS) == unlimited
    assert time.process_time() - started < 10


def test_reading_ends_soon_after_an_excess() -> None:
    limits = Limits(depth=10, attributes=-1, children=-1, text=-1, attribute=-1, comment=-1)
    started = time.process_time()
    assert fault_of(b"<a>" * 5 * MILLION, "", limits) == "xml_too_deep"
    assert time.process_time() - started < 0.5


LETTERS = st.text(st.sampled_from("ab&<>'\u00e9 "), max_size=5)
NODE = st.recursive(
    st.tuples(st.dictionaries(st.sampled_from("xyz"), LETTERS, max_size=3), LETTERS, st.just([])),
    lambda inner: st.tuples(
        st.dictionaries(st.sampled_from("xyz"), LETTERS, max_size=3), LETTERS, st.lists(inner, max_size=3)
    ),
    max_leaves=10,
)
LIMIT = st.integers(-1, 4)


def written(node: Any) -> str:
    attributes, text, children = node
    head = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<e{head}>{escape(text)}{''.join(map(written, children))}</e>"


def excesses(element: ElementTree.Element, limits: Limits, depth: int = 1) -> set[str]:
    """Return every limit that a document exceeds, found the slow and plain way."""
    checks = {
        "xml_too_deep": depth > limits.depth,
        "xml_too_many_attributes": len(element.attrib) > limits.attributes,
        "xml_attribute_too_long": any(len(value) > limits.attribute for value in element.attrib.values()),
        "xml_too_many_children": len(element) > limits.children,
        "xml_text_too_long": len(element.text or "") > limits.text,
    }
    found = {name for name, exceeded in checks.items() if exceeded}
    return found.union(*(excesses(child, limits, depth + 1) for child in element))


@given(NODE, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT, st.sampled_from(["utf-8", "utf-16"]))
def test_what_is_found_is_there(
    node: Any, depth: int, attributes: int, children: int, text: int, attribute: int, encoding: str
) -> None:
    limits = Limits(depth=depth, attributes=attributes, children=children, text=text, attribute=attribute, comment=-1)
    document = written(node)
    expected = excesses(ElementTree.fromstring(document), limits)
    found = fault_of(document.encode(encoding), "", limits)
    assert found in expected if expected else found == ""


@given(st.binary(max_size=40) | st.text(st.sampled_from("<a/>!-[]CDATDOYPE?&;x='\" "), max_size=30).map(str.encode))
def test_no_bytes_bring_it_down(body: bytes) -> None:
    assert fault_of(body, "", NO_LIMITS) in (
        "", "xml_malformed", "xml_doctype_not_allowed", "xml_encoding_not_supported",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["xml-threat-protection", "xml-threat-protection-flex"])
def test_both_names_are_known(name: str) -> None:
    assert policy_case(name).definition.name == "xml-threat-protection"


@pytest.mark.parametrize("wrong", [-2, 1.5, "10", None])
def test_a_limit_is_a_number_or_minus_one(wrong: Any) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case("xml-threat-protection", {"maxNodeDepth": wrong})
    assert caught.value.path == "maxNodeDepth"


def test_what_was_sent_is_in_no_refusal() -> None:
    refused = policy_case("xml-threat-protection", {"maxTextLength": 3}).send(posted("<a>sesame</a>"))
    assert "sesame" not in repr(refused)
