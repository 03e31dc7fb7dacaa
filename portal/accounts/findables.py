"""One's own account in the console's search."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from portal.core.findables import Entries, Found, register


def _account(request: Any) -> Iterator[Found]:
    yield Found("Your account", reverse("accounts:profile"), str(request.user), "user")
    yield Found("API tokens", reverse("accounts:tokens"), "For pipelines and scripts", "key")
    yield Found("New API token", reverse("accounts:token_create"), "", "plus")


register(Entries(name="account", title="Account", list=_account, order=95))
