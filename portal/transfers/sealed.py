"""Secrets that were typed on a page and are needed on the next one: sealed, so that no page ever shows them again."""

import json
from typing import Any

from cryptography.fernet import InvalidToken

from portal.core.crypto import decrypt, encrypt

Values = dict[str, str]


def sealed(user: Any, values: Values) -> str:
    """Return values as a text that only the portal can read, for this user."""
    return encrypt(json.dumps({"user": str(user.pk), "values": values})) if values else ""


def unsealed(user: Any, text: str) -> Values:
    """Return what was sealed for a user; nothing where it was not."""
    if not text:
        return {}
    try:
        said = json.loads(decrypt(text))
    except (InvalidToken, ValueError, UnicodeEncodeError):
        return {}
    return dict(said["values"]) if said["user"] == str(user.pk) else {}
