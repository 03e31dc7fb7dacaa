"""System API: who bought what."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.demo.services import catalog
from portal.demo.services.server import Answer, Request, Service, ServiceError
from portal.demo.services.store import SEED, Store

TABLES = """
CREATE TABLE IF NOT EXISTS seeded (done INTEGER);
CREATE TABLE IF NOT EXISTS purchase (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, customer_id TEXT, status TEXT, placed_at TEXT, total_cents INTEGER,
    items TEXT
);
CREATE INDEX IF NOT EXISTS purchase_customer ON purchase (customer_id);
CREATE INDEX IF NOT EXISTS purchase_status ON purchase (status);
"""
STATUSES = ("placed", "packed", "shipped", "delivered", "returned")


def seed(store: Store, dice: random.Random) -> None:
    """Fill in 1,200 orders of the seeded customers."""
    products = list(catalog.rows(random.Random(SEED)))  # noqa: S311
    first = datetime(2026, 1, 2, 8, tzinfo=UTC)
    for number in range(1, 1201):
        items = [
            {"sku": product["sku"], "quantity": dice.randrange(1, 4), "unitPrice": product["price_cents"] / 100}
            for product in dice.sample(products, dice.randrange(1, 4))
        ]
        store.insert(
            "purchase",
            {
                "number": number,
                "id": f"HG-{20000 + number}",
                "customer_id": f"C-{1000 + dice.randrange(1, 401)}",
                "status": dice.choices(STATUSES, (8, 8, 14, 64, 6))[0],
                "placed_at": (first + timedelta(minutes=190 * number + dice.randrange(180))).isoformat(),
                "total_cents": total_cents(items),
                "items": json.dumps(items),
            },
        )


def total_cents(items: list[dict[str, Any]]) -> int:
    """Return what the items cost."""
    return sum(round(item["unitPrice"] * 100) * item["quantity"] for item in items)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as callers see it."""
    return {
        "id": row["id"],
        "customerId": row["customer_id"],
        "status": row["status"],
        "placedAt": row["placed_at"],
        "total": {"amount": row["total_cents"] / 100, "currency": "EUR"},
        "items": json.loads(row["items"]),
    }


def checked_items(items: list[Any]) -> list[dict[str, Any]]:
    """Return the items of a new order, or refuse them."""
    result = []
    for item in items:
        usable = isinstance(item, dict) and isinstance(item.get("sku"), str)
        quantity, price = (item.get("quantity"), item.get("unitPrice")) if usable else (None, None)
        whole = isinstance(quantity, int) and not isinstance(quantity, bool) and 1 <= quantity <= 1000
        if not whole or not isinstance(price, int | float) or isinstance(price, bool) or not 0 <= price <= 1_000_000:
            raise ServiceError(400, "invalid_body", "Each item needs sku, quantity (1 to 1000) and unitPrice.")
        result.append({"sku": item["sku"], "quantity": quantity, "unitPrice": price})
    if not result:
        raise ServiceError(400, "invalid_body", "An order needs at least one item.")
    return result


def service(store: Store) -> Service:
    """Return the routes over a store."""

    def orders(request: Request) -> Any:
        conditions = {
            "customer_id = ?": request.text("customerId"),
            "status = ?": request.choice("status", STATUSES),
        }
        page = store.page("purchase", conditions, *request.page(), "number DESC")
        return page | {"items": [shown(row) for row in page["items"]]}

    def order(request: Request) -> Any:
        row = store.one("SELECT * FROM purchase WHERE id = ?", [request.parameters["orderId"]])
        if row is None:
            raise ServiceError(404, "order_not_found", f"There is no order {request.parameters['orderId']}.")
        return shown(row)

    def create(request: Request) -> Any:
        document = request.document({"customerId": str, "items": list})
        items = checked_items(document["items"])
        with store.exclusive:
            last = store.one("SELECT max(number) AS number FROM purchase")
            number = (last["number"] if last else 0) + 1
            row = {
                "number": number,
                "id": f"HG-{20000 + number}",
                "customer_id": document["customerId"],
                "status": "placed",
                "placed_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "total_cents": total_cents(items),
                "items": json.dumps(items),
            }
            store.insert("purchase", row)
        return Answer(shown(row), 201, {"Location": row["id"]})

    return Service("orders", [("GET", "/", orders), ("POST", "/", create), ("GET", "/{orderId}", order)])
