"""Who Harbour Goods is: its APIs and where they are on the demo gateway."""

import json
from dataclasses import dataclass
from pathlib import Path

from portal.catalog.models import Layer, Visibility

ORGANIZATION = "Harbour Goods"
ORGANIZATION_SLUG = "harbour-goods"
GATEWAY = "Demo"
GATEWAY_SLUG = "demo"
PARTNER = "Northwind Ferries"
PARTNER_SLUG = "northwind-ferries"
SPECIFICATIONS = Path(__file__).parent / "specifications"
# Used when the launcher has not chosen ports yet.
FIRST_PORT = 9101


@dataclass(frozen=True, slots=True)
class DemoApi:
    """One API of the company. `service` is its process, its specification and its slug in the catalog."""

    service: str
    base_path: str
    layer: Layer
    visibility: Visibility


APIS = (
    DemoApi("customers", "/customers", Layer.SYSTEM, Visibility.PRIVATE),
    DemoApi("orders", "/orders", Layer.SYSTEM, Visibility.PUBLIC),
    DemoApi("catalog", "/catalog", Layer.SYSTEM, Visibility.PUBLIC),
    DemoApi("customer-360", "/customer-360", Layer.PROCESS, Visibility.PRIVATE),
    DemoApi("shop-mobile", "/shop", Layer.EXPERIENCE, Visibility.PUBLIC),
)


def service_urls(home: Path) -> dict[str, str]:
    """Return where each service of the company listens in this copy."""
    try:
        ports = json.loads((home / "demo" / "ports.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        ports = {}
    return {
        api.service: f"http://127.0.0.1:{ports.get(api.service, FIRST_PORT + position)}"
        for position, api in enumerate(APIS)
    }
