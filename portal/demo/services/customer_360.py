"""Process API: everything about one customer, put together from the system APIs."""

from typing import Any

from portal.demo.services.server import Request, Service
from portal.demo.services.through_gateway import GatewayClient


def service(gateway_url: str) -> Service:
    """Return the routes, which call other APIs through the gateway."""
    gateway = GatewayClient(gateway_url)

    def profile(request: Request) -> Any:
        customer = gateway.get("customers", request.parameters["customerId"])
        orders = gateway.get("orders", customerId=customer["id"], limit=100)
        spent = sum(order["total"]["amount"] for order in orders["items"] if order["status"] != "returned")
        return {
            "customer": customer,
            "orders": {
                "total": orders["total"],
                "open": sum(order["status"] in {"placed", "packed", "shipped"} for order in orders["items"]),
                "latest": orders["items"][:3],
            },
            "lifetimeValue": {"amount": round(spent, 2), "currency": "EUR"},
        }

    return Service("customer-360", [("GET", "/{customerId}", profile)])
