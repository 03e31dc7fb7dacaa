"""The page about the gateway's answers names every code there is."""

import importlib
import pkgutil
from types import ModuleType

import pytest

import gateway_runtime.http
import gateway_runtime.http2
import gateway_runtime.upstream
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.policies.results import Response
from portal.docs import library


def codes_of(package: ModuleType) -> set[str]:
    """Return the codes of all prebuilt answers in a package."""
    found = set()
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            answer = value.response if isinstance(value, BadMessage) else value
            if isinstance(answer, Response):
                found.add(answer.code)
    return found


@pytest.mark.parametrize(
    "package", [gateway_runtime.http, gateway_runtime.http2, gateway_runtime.upstream], ids=lambda each: each.__name__
)
def test_every_code_is_explained(package: ModuleType) -> None:
    page = library.pages()["reference", "answers-of-the-gateway"]
    codes = codes_of(package)
    assert codes
    assert {code for code in codes if f"`{code}`" not in page.text} == set()
