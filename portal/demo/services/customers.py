"""System API: who our customers are."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.demo.services.server import Answer, Request, Service, ServiceError
from portal.demo.services.store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS seeded (done INTEGER);
CREATE TABLE IF NOT EXISTS customer (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, name TEXT, email TEXT UNIQUE, phone TEXT, city TEXT, country TEXT,
    tier TEXT, since TEXT, newsletter INTEGER
);
CREATE INDEX IF NOT EXISTS customer_country ON customer (country);
"""
TIERS = ("standard", "silver", "gold")
FIRST = [
    "Amara",
    "Astrid",
    "Bruno",
    "Chiara",
    "Dario",
    "Elif",
    "Emil",
    "Fatima",
    "Freya",
    "Giulia",
    "Hana",
    "Henrik",
    "Ines",
    "Ivo",
    "Jonas",
    "Kaia",
    "Lars",
    "Leila",
    "Lucía",
    "Marek",
    "Maya",
    "Mateo",
    "Mina",
    "Nils",
    "Noor",
    "Olga",
    "Oskar",
    "Paula",
    "Priya",
    "Rafael",
    "Rosa",
    "Samir",
    "Selma",
    "Sofia",
    "Tariq",
    "Theo",
    "Uma",
    "Vera",
    "Yusuf",
    "Zoe",
]
LAST = [
    "Aalto",
    "Albers",
    "Andersen",
    "Bakker",
    "Bianchi",
    "Costa",
    "Dahl",
    "Demir",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Hansen",
    "Ivanova",
    "Jansen",
    "Kaya",
    "Keller",
    "Kowalski",
    "Lindqvist",
    "Marino",
    "Moreau",
    "Nielsen",
    "Novák",
    "Okafor",
    "Olsen",
    "Petrov",
    "Rossi",
    "Santos",
    "Silva",
    "Sørensen",
    "Vogel",
]
CITIES = {
    "NO": ("Bergen", "Oslo", "Stavanger"),
    "DK": ("Aarhus", "København"),
    "DE": ("Hamburg", "Bremen", "Berlin"),
    "NL": ("Rotterdam", "Utrecht"),
    "PT": ("Porto", "Lisboa"),
    "IT": ("Genova", "Trieste"),
}


def seed(store: Store, dice: random.Random) -> None:
    """Fill in 400 customers."""
    for number in range(1, 401):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        country = dice.choice(sorted(CITIES))
        store.insert(
            "customer",
            {
                "number": number,
                "id": f"C-{1000 + number}",
                "name": f"{first} {last}",
                "email": f"{first}.{last}.{number}@mail.example".lower(),
                "phone": f"+00 555 {dice.randrange(10**6):06d}",
                "city": dice.choice(CITIES[country]),
                "country": country,
                "tier": dice.choices(TIERS, (70, 22, 8))[0],
                "since": (date(2019, 3, 1) + timedelta(days=dice.randrange(2500))).isoformat(),
                "newsletter": dice.randrange(2),
            },
        )


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as callers see it."""
    return {name: value for name, value in row.items() if name != "number"} | {"newsletter": bool(row["newsletter"])}


def service(store: Store) -> Service:
    """Return the routes over a store."""

    def customers(request: Request) -> Any:
        search = request.text("search")
        conditions = {
            "country = ?": request.text("country"),
            "tier = ?": request.choice("tier", TIERS),
            "name LIKE ?": f"%{search}%" if search else None,
        }
        page = store.page("customer", conditions, *request.page(), "number")
        return page | {"items": [shown(row) for row in page["items"]]}

    def customer(request: Request) -> Any:
        row = store.one("SELECT * FROM customer WHERE id = ?", [request.parameters["customerId"]])
        if row is None:
            raise ServiceError(404, "customer_not_found", f"There is no customer {request.parameters['customerId']}.")
        return shown(row)

    def create(request: Request) -> Any:
        document = request.document({"name": str, "email": str, "country": str})
        if "@" not in document["email"]:
            raise ServiceError(400, "invalid_body", "email is not an e-mail address.")
        with store.exclusive:
            if store.one("SELECT 1 FROM customer WHERE email = ?", [document["email"]]):
                raise ServiceError(409, "customer_exists", "There is a customer with this e-mail address.")
            last = store.one("SELECT max(number) AS number FROM customer")
            number = (last["number"] if last else 0) + 1
            row = {
                "number": number,
                "id": f"C-{1000 + number}",
                "name": document["name"],
                "email": document["email"],
                "phone": str(document.get("phone", "")),
                "city": str(document.get("city", "")),
                "country": document["country"],
                "tier": "standard",
                "since": datetime.now(UTC).date().isoformat(),
                "newsletter": int(bool(document.get("newsletter"))),
            }
            store.insert("customer", row)
        return Answer(shown(row), 201, {"Location": row["id"]})

    return Service("customers", [("GET", "/", customers), ("POST", "/", create), ("GET", "/{customerId}", customer)])
