"""Experience API: what the shop's mobile app shows."""

from typing import Any

from portal.demo.services.server import Request, Service
from portal.demo.services.through_gateway import GatewayClient


def service(gateway_url: str) -> Service:
    """Return the routes, which call other APIs through the gateway."""
    gateway = GatewayClient(gateway_url)

    def home(_: Request) -> Any:
        categories = gateway.get("catalog", "categories")
        offers = gateway.get("catalog", inStock="true", limit=6)
        return {
            "greeting": "Welcome to Harbour Goods",
            "categories": [category["name"] for category in categories["items"]],
            "offers": [card(product) for product in offers["items"]],
        }

    def account(request: Request) -> Any:
        profile = gateway.get("customer-360", request.parameters["customerId"])
        return {
            "name": profile["customer"]["name"],
            "tier": profile["customer"]["tier"],
            "openOrders": profile["orders"]["open"],
            "latestOrders": [
                {"id": order["id"], "status": order["status"], "total": order["total"]["amount"]}
                for order in profile["orders"]["latest"]
            ],
        }

    def product(request: Request) -> Any:
        return card(gateway.get("catalog", request.parameters["sku"]))

    return Service(
        "shop-mobile",
        [("GET", "/home", home), ("GET", "/account/{customerId}", account), ("GET", "/products/{sku}", product)],
    )


def card(product: dict[str, Any]) -> dict[str, Any]:
    """Return a product as a small card."""
    price = product["price"]
    return {
        "sku": product["sku"],
        "title": product["name"],
        "price": f"{price['amount']:.2f} {price['currency']}",
        "available": product["inStock"],
    }
