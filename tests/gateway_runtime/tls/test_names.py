import pytest

from gateway_runtime.tls.names import NameTable, plain_name


def table(**names: str) -> NameTable[str]:
    made: NameTable[str] = NameTable()
    for value, name in names.items():
        assert made.add(name, value)
    return made


def test_the_exact_name_comes_before_the_wildcard() -> None:
    names = table(all="*.shop.example", one="api.shop.example")
    assert names.find("api.shop.example") == "one"
    assert names.find("www.shop.example") == "all"


def test_a_wildcard_stands_for_one_whole_label() -> None:
    names = table(all="*.shop.example")
    assert names.find("shop.example") is None
    assert names.find("a.b.shop.example") is None
    assert names.find("ashop.example") is None


def test_case_means_nothing() -> None:
    assert table(one="shop.example").find("Shop.EXAMPLE") == "one"


def test_the_first_of_two_stays() -> None:
    names = table(first="shop.example")
    assert not names.add("shop.example", "second")
    assert names.find("shop.example") == "first"


@pytest.mark.parametrize("name", ["", "*", "*.", "a.*.example", "w*.example", "a b", "a..b", "a\n", "münchen.example"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert plain_name(name) is None


def test_names_are_compared_in_lower_case_without_the_last_dot() -> None:
    assert plain_name("Shop.Example.") == "shop.example"
    assert plain_name("*.Shop.Example") == "*.shop.example"
