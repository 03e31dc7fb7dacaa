"""The company's specifications are valid, and their services do what they say."""

import json
import random
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from portal.demo.company import APIS, SPECIFICATIONS
from portal.demo.services import catalog, customer_360, customers, orders, shop_mobile
from portal.demo.services.server import Request, Service
from portal.demo.services.store import Store

NAMES = [api.service for api in APIS]


class DirectGateway:
    """Calls the other services of the company without a gateway between."""

    def __init__(self, services: dict[str, Service]) -> None:
        self.services = services

    def get(self, api: str, *path: str, **query: Any) -> Any:
        """Return what the service answers."""
        route, parameters = self.services[api].match("GET", "/" + "/".join(path))
        return route(Request(parameters, {name: str(value) for name, value in query.items()}))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    folder = tmp_path_factory.mktemp("demo")
    made = {
        name: module.service(Store(folder / f"{name}.sqlite3", module.TABLES, module.seed))
        for name, module in {"customers": customers, "orders": orders, "catalog": catalog}.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        for module in (customer_360, shop_mobile):
            patch.setattr(module, "GatewayClient", lambda _: DirectGateway(made))
        made["customer-360"] = customer_360.service("")
        made["shop-mobile"] = shop_mobile.service("")
    return made


def document(name: str) -> dict[str, Any]:
    return yaml.safe_load((SPECIFICATIONS / f"{name}.yaml").read_text(encoding="utf-8"))


def check(name: str, schema: dict[str, Any], value: Any) -> None:
    # References are to "#/components/…", so the components stand beside the schema.
    whole = schema | {"components": document(name)["components"]}
    Draft202012Validator(whole).validate(json.loads(json.dumps(value)))


@pytest.mark.parametrize("name", NAMES)
def test_specification_is_valid(name: str) -> None:
    validate(document(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_there_and_answers_as_described(name: str, services: dict[str, Service]) -> None:
    sku = next(catalog.rows(random.Random(20_260_401)))["sku"]
    values = {"customerId": "C-1001", "orderId": "HG-20042", "sku": sku}
    seen = 0
    for path, operations in document(name)["paths"].items():
        for method, operation in operations.items():
            filled = path
            for parameter, value in values.items():
                filled = filled.replace(f"{{{parameter}}}", value)
            route, parameters = services[name].match(method.upper(), filled)
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            answer = route(Request(parameters, {}, body))
            status, result = (str(answer.status), answer.body) if method == "post" else ("200", answer)
            check(name, operation["responses"][status]["content"]["application/json"]["schema"], result)
            seen += 1
    assert seen == len(services[name].routes)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_of_their_schema(name: str) -> None:
    found = 0
    for operations in document(name)["paths"].values():
        for operation in operations.values():
            contents = [operation["requestBody"]["content"]] if "requestBody" in operation else []
            contents += [answer["content"] for answer in operation["responses"].values() if "content" in answer]
            for content in contents:
                for media in content.values():
                    if "example" in media:
                        check(name, media["schema"], media["example"])
                        found += 1
    assert found > 0


def test_orders_hold_products_of_the_catalog(services: dict[str, Service]) -> None:
    known = {row["sku"] for row in catalog.rows(random.Random(20_260_401))}
    gateway = DirectGateway(services)
    items = [item for order in gateway.get("orders", limit=100)["items"] for item in order["items"]]
    assert items
    assert {item["sku"] for item in items} <= known
