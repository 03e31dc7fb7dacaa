"""System API: what we sell."""

import random
from collections.abc import Iterator
from typing import Any

from portal.demo.services.server import Request, Service, ServiceError
from portal.demo.services.store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS seeded (done INTEGER);
CREATE TABLE IF NOT EXISTS product (
    sku TEXT PRIMARY KEY, name TEXT, category TEXT, price_cents INTEGER, currency TEXT, stock INTEGER, rating REAL
);
CREATE INDEX IF NOT EXISTS product_category ON product (category);
"""
GOODS: dict[str, tuple[str, ...]] = {
    "clothing": ("Oilskin jacket", "Fisherman's sweater", "Deck boots", "Wool cap", "Sailing gloves", "Striped shirt"),
    "kitchen": ("Enamel mug", "Cast-iron pan", "Oyster knife", "Salt cellar", "Copper kettle", "Linen towel"),
    "lights": ("Storm lantern", "Bulkhead lamp", "Harbour torch", "Candle glass"),
    "outdoor": ("Canvas rucksack", "Rope hammock", "Picnic blanket", "Dry bag", "Folding stool"),
    "stationery": ("Logbook", "Tide calendar", "Brass pen", "Sea chart print"),
}
VARIANTS = ("navy", "sand", "red", "grey", "large", "small")


def rows(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Yield every product in some of its variants."""
    for category, names in GOODS.items():
        for position, name in enumerate(names, start=1):
            price = dice.randrange(900, 24_000, 50)
            for variant in dice.sample(VARIANTS, 3):
                yield {
                    "sku": f"{category[:3].upper()}-{position:02d}-{variant[:3].upper()}",
                    "name": f"{name}, {variant}",
                    "category": category,
                    "price_cents": price,
                    "currency": "EUR",
                    "stock": dice.choice((0, 3, 8, 15, 40, 120)),
                    "rating": round(dice.uniform(3.2, 5.0), 1),
                }


def seed(store: Store, dice: random.Random) -> None:
    """Fill in the products."""
    for row in rows(dice):
        store.insert("product", row)


def service(store: Store) -> Service:
    """Return the routes over a store."""

    def products(request: Request) -> Any:
        search = request.text("search")
        in_stock = request.choice("inStock", ("true", "false"))
        conditions = {
            "category = ?": request.choice("category", sorted(GOODS)),
            "name LIKE ?": f"%{search}%" if search else None,
            "(stock > 0) = ?": None if in_stock is None else int(in_stock == "true"),
        }
        page = store.page("product", conditions, *request.page(), "sku")
        return page | {"items": [shown(row) for row in page["items"]]}

    def product(request: Request) -> Any:
        row = store.one("SELECT * FROM product WHERE sku = ?", [request.parameters["sku"]])
        if row is None:
            raise ServiceError(404, "product_not_found", f"There is no product {request.parameters['sku']}.")
        return shown(row)

    def categories(_: Request) -> Any:
        rows = store.all(
            "SELECT category AS name, count(*) AS products FROM product GROUP BY category ORDER BY category"
        )
        return {"items": rows, "total": len(rows)}

    return Service("catalog", [("GET", "/", products), ("GET", "/categories", categories), ("GET", "/{sku}", product)])


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as callers see it."""
    return {
        "sku": row["sku"],
        "name": row["name"],
        "category": row["category"],
        "price": {"amount": row["price_cents"] / 100, "currency": row["currency"]},
        "inStock": row["stock"] > 0,
        "rating": row["rating"],
    }
