"""The headers of a deprecated API: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link`, made once for all answers.

They are on refusals, too: whoever is refused should know that there is something newer.
"""

from email.utils import formatdate

from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import Headers, RequestContext
from gateway_runtime.schema.deprecation import Deprecation
from gateway_runtime.schema.policy import Handlers

NAME = "deprecation"
# What a service says of itself is no date of this API.
_REPLACED = frozenset({b"deprecation", b"sunset"})


def deprecation_headers(deprecation: Deprecation) -> Headers:
    """Return what is added to every answer."""
    headers: Headers = [(b"deprecation", b"@%d" % deprecation.since)]
    if deprecation.sunset is not None:
        headers.append((b"sunset", formatdate(deprecation.sunset, usegmt=True).encode()))
    if deprecation.successor:
        headers.append((b"link", b'<%s>; rel="successor-version"' % deprecation.successor.encode()))
    return headers


def announcing(deprecation: Deprecation) -> Binding:
    """Return what stands first in the chain of a deprecated API, so that every answer passes it."""
    added = deprecation_headers(deprecation)

    def on_response(context: RequestContext) -> None:
        context.response_headers = [pair for pair in context.response_headers if pair[0] not in _REPLACED] + added

    return Binding(NAME, Handlers(response_headers=on_response))
