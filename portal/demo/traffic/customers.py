"""What the demo company's customers do, and when."""

import math
import random
from datetime import datetime

BUSIEST_PER_SECOND = 6.0
QUIETEST_PER_SECOND = 2.5
BUSIEST_HOUR = 20
CATEGORIES = ("clothing", "kitchen", "lights", "outdoor", "stationery")
# How often each thing is done; the last two do not exist, as links from old mails do.
HABITS = {
    "/shop/home": 22,
    "/catalog?category={category}&limit=12": 16,
    "/catalog?search=lantern": 5,
    "/catalog/categories": 8,
    "/shop/products/CLO-0{digit}-NAV": 12,
    "/shop/account/{customer}": 12,
    "/orders?customerId={customer}": 10,
    "/customers/{customer}": 8,
    "/customer-360/{customer}": 8,
    "/orders?status=shipped&limit=5": 4,
    "/customers/C-9{digit}99": 2,
    "/catalog/OLD-0{digit}": 2,
}


def next_call(dice: random.Random) -> str:
    """Return the path of one more call."""
    (habit,) = dice.choices(list(HABITS), list(HABITS.values()))
    return habit.format(
        category=dice.choice(CATEGORIES), customer=f"C-{1000 + dice.randrange(1, 401)}", digit=dice.randrange(1, 7)
    )


def calls_per_second(now: datetime) -> float:
    """Return how busy it is: most in the evening, least twelve hours later, with smaller waves within the hour."""
    hour = now.hour + now.minute / 60
    day = (1 + math.cos((hour - BUSIEST_HOUR) / 24 * math.tau)) / 2
    wave = 1 + 0.15 * math.sin(now.minute / 12 * math.tau)
    return (QUIETEST_PER_SECOND + (BUSIEST_PER_SECOND - QUIETEST_PER_SECOND) * day) * wave


def pause_s(dice: random.Random, now: datetime) -> float:
    """Return how long it is until the next call: customers do not come in step."""
    return min(dice.expovariate(calls_per_second(now)), 3.0)
