"""Short keyed digests of values. Two marks tell whether a value is still the one that was shown, and nothing else.

They go to browsers and into ETags, so they are keyed: nobody can find a secret by trying.
"""

import json
from typing import Any

from django.utils.crypto import salted_hmac

LENGTH = 12


def mark(value: Any) -> str:
    """Return the mark of any plain value."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return salted_hmac("portal.core.marks", text, algorithm="sha256").hexdigest()[:LENGTH]
