"""# LDAP authentication

Lets a request pass only with a user name and a password that a directory (LDAP, Active Directory) accepts, sent as HTTP
Basic credentials (RFC 7617).

## When to use it

Where the callers are people or accounts of an organisation that are kept in a directory already. The password travels
in every request, so use it over TLS only, and `ldaps://` towards the directory.

## Example

```yaml
policyRef:
  name: ldap-authentication
config:
  ldapServerURL: ldaps://directory.example:636
  ldapServerUserDn: cn=gateway,ou=services,dc=example,dc=com
  ldapServerUserPassword: $LDAP_PASSWORD
  ldapSearchBase: ou=people,dc=example,dc=com
  ldapSearchFilter: (uid={0})
  ldapSearchInSubtree: true
```

## What it does

The gateway binds as `ldapServerUserDn`, searches the one entry for which `ldapSearchFilter` holds, with the user name
in place of each `{0}`, and binds as that entry with the password. In Active Directory the filter is
`(sAMAccountName={0})`. Without `ldapSearchInSubtree` only entries directly below the base are looked at, and the base
itself is not; with it the base and all below it. A user name is escaped, so no sign in it means anything in a filter. A
filter that finds more than one entry lets nobody in. An empty password is refused without asking: to a directory it
would mean that nothing has to be checked. Referrals to other directories are not followed.

With `ldaps://` the certificate has to be for the host in the URL and signed by an authority that the machine trusts,
or by one in `trustedCa`. The address of the directory is judged like that of a service: never one of the platform's
own, and a private one only where the gateway may connect to those.

A pair that was accepted is remembered for `cacheSeconds` in each worker, by a digest with a key that nobody knows:
within that time a password that was changed or an account that was locked still passes. One that was refused is
remembered for one second. Four questions at a time go to one directory; a caller waits `requestTimeout` milliseconds at
most, and where a hundred wait already, not at all.

Later policies find the user name, as the caller has spelled it, as `authentication.principal`, and the entry's
distinguished name as `authentication.properties.dn`. To most directories `ada` and `ADA` are the same user, so limits
and lists are better made by the latter.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 401 | `ldap_credentials_missing` | there is no `Authorization: Basic` header, or more than one |
| 401 | `ldap_credentials_invalid` | it cannot be read, there is no such user, or the password is wrong or empty |
| 401 | `ldap_user_ambiguous` | the filter finds more than one entry for this user name |
| 503 | `ldap_unavailable` | the directory cannot be reached, is too slow, or does not let the gateway search |

The 401 answers carry `WWW-Authenticate: Basic realm="mule-realm"`. The `Authorization` header is passed on unchanged.
Why a directory cannot be asked is in the gateway's log as `directory_failed`. This policy always fails closed.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable
from typing import Annotated

import msgspec

from gateway_runtime.directories.ldap import Finding, LdapSettings, check_authorities, check_dn, check_filter
from gateway_runtime.expressions.given import AUTHENTICATION
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

CHALLENGE = ((b"www-authenticate", b'Basic realm="mule-realm"'),)
LONGEST_NAME, LONGEST_PASSWORD = 256, 1024
_PORTS = {"ldap": 389, "ldaps": 636}
_url = re.compile(
    r"(ldaps?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?)(?::([0-9]{1,5}))?/?"
).fullmatch


class Config(PolicyConfig, frozen=True):
    """The directory, and how a user is found in it."""

    ldap_server_url: Annotated[
        str,
        setting(
            "Server URL", "Where the directory is: ldap:// or ldaps://, a host, perhaps a port.",
            placeholder="ldaps://directory.example:636", max_length=300,
        ),
    ] = msgspec.field(name="ldapServerURL")  # fmt: skip
    ldap_server_user_dn: Annotated[
        str,
        setting(
            "User DN", "The distinguished name that the gateway itself searches the directory with.",
            placeholder="cn=gateway,ou=services,dc=example,dc=com", min_length=1, max_length=1000,
        ),
    ]  # fmt: skip
    ldap_server_user_password: Annotated[
        str,
        setting(
            "User password", "The password that belongs to the user DN.", secret=True, min_length=1, max_length=500
        ),
    ]
    ldap_search_base: Annotated[
        str,
        setting(
            "Search base", "The distinguished name of the entry below which users are looked for.",
            placeholder="ou=people,dc=example,dc=com", min_length=1, max_length=1000,
        ),
    ]  # fmt: skip
    ldap_search_filter: Annotated[
        str,
        setting(
            "Search filter",
            "What holds for the entry of a user; {0} stands for the user name. Active Directory: (sAMAccountName={0}).",
            max_length=1000,
        ),
    ] = "(uid={0})"
    ldap_search_in_subtree: Annotated[
        bool,
        setting("Search in subtree", "Look at the base and all entries below it, not only at those directly below it."),
    ] = False
    trusted_ca: Annotated[
        str,
        setting(
            "Trusted CA",
            "Certificates in PEM form that ldaps:// is trusted by, instead of those that the machine trusts.",
            max_length=100_000,
        ),
    ] = ""
    request_timeout: Annotated[
        int, setting("Timeout (ms)", "How long a caller waits for the directory, in milliseconds.", ge=100, le=30_000)
    ] = 5000
    cache_seconds: Annotated[
        int,
        setting(
            "Remember for (seconds)", "How long a pair that was accepted passes without asking again.", ge=0, le=600
        ),
    ] = 30

    def __post_init__(self) -> None:
        found = _url(self.ldap_server_url)
        if found is None or not 1 <= int(found[3] or 1) <= 65_535:
            raise ValueError("A server URL is ldap:// or ldaps://, a host, perhaps a port, and nothing more")
        check_dn(self.ldap_server_user_dn, "user DN")
        check_dn(self.ldap_search_base, "search base")
        check_filter(self.ldap_search_filter)
        if self.trusted_ca:
            if found[1] == "ldap":
                raise ValueError("A trusted CA is for ldaps:// only")
            check_authorities(self.trusted_ca)

    def directory(self) -> LdapSettings:
        """Return whom to ask, and how."""
        found = _url(self.ldap_server_url)
        assert found is not None
        return LdapSettings(
            host=found[2].strip("[]"),
            port=int(found[3] or _PORTS[found[1]]),
            tls=found[1] == "ldaps",
            trusted_ca=self.trusted_ca,
            manager_dn=self.ldap_server_user_dn,
            manager_password=self.ldap_server_user_password,
            base=self.ldap_search_base,
            filter=self.ldap_search_filter,
            subtree=self.ldap_search_in_subtree,
            seconds=self.request_timeout / 1000,
            remember_seconds=float(self.cache_seconds),
        )


def read_credentials(encoded: bytes) -> tuple[str, bytes] | None:
    """Return user name and password of a Basic header's value, None for what no directory has to be asked about."""
    try:
        name, colon, password = b64decode(encoded.strip(b" "), validate=True).partition(b":")
        text, _ = name.decode(), password.decode()
    except (Base64Error, UnicodeDecodeError):
        return None
    # A password that is empty, also to a server that ends it at a NUL, is an unauthenticated bind (RFC 4513 5.1.2).
    if not colon or not password or b"\0" in password or not text.isprintable():
        return None
    if not 0 < len(name) <= LONGEST_NAME or len(password) > LONGEST_PASSWORD:
        return None
    return text, password


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Find the directory; a request with known credentials is one digest and one look-up."""
    directory = runtime.directory(config.directory())
    runtime.report(directory.outage.notice)
    missing = runtime.refusal("ldap_credentials_missing", headers=CHALLENGE)
    invalid = runtime.refusal("ldap_credentials_invalid", headers=CHALLENGE)
    ambiguous = runtime.refusal("ldap_user_ambiguous", headers=CHALLENGE)
    unavailable = runtime.refusal("ldap_unavailable", headers=((b"retry-after", b"5"),))
    known, digest_of, ask, clock = directory.known, directory.digest, directory.ask, runtime.clock
    verified = Finding.VERIFIED
    refusals = {Finding.UNKNOWN: invalid, Finding.AMBIGUOUS: ambiguous}

    def check(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        value = context.only_header(b"authorization")
        if value is None:
            return missing
        digest = digest_of(value)
        answer = known.get(digest)
        if answer is not None and clock() < answer[1]:
            if answer[0] is not verified:
                return refusals[answer[0]]
            context.principal = answer[2]
            context.note(AUTHENTICATION, answer[3])
            return None
        scheme, _, encoded = value.partition(b" ")
        if scheme.lower() != b"basic":
            return missing
        credentials = read_credentials(encoded)
        return invalid if credentials is None else wait(context, digest, *credentials)

    async def wait(context: RequestContext, digest: bytes, name: str, password: bytes) -> Response | None:
        answer = await ask(digest, name, password)
        if answer is None:
            return unavailable
        if answer.finding is not verified:
            return refusals[answer.finding]
        context.principal = answer.principal
        context.note(AUTHENTICATION, answer.properties)
        return None

    return Handlers(request_headers=check)


DEFINITION = PolicyDefinition(
    name="ldap-authentication",
    aliases=("http-basic-authentication-ldap",),
    title="LDAP authentication",
    summary="Lets requests pass only with a user name and password that a directory accepts.",
    category=Category.SECURITY,
    icon="address-book",
    config=Config,
    build=build,
    default_order=110,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "ldapServerURL": "ldaps://directory.example:636",
        "ldapServerUserDn": "cn=gateway,ou=services,dc=example,dc=com",
        "ldapServerUserPassword": "correct-horse-battery",
        "ldapSearchBase": "ou=people,dc=example,dc=com",
        "ldapSearchFilter": "(uid={0})",
        "ldapSearchInSubtree": True,
    },
    refusals=(
        Refusal(
            code="ldap_credentials_missing", status=401, title="Credentials required",
            detail="This API needs your user name and password. Send them in one Authorization: Basic header.",
        ),
        Refusal(
            code="ldap_credentials_invalid", status=401, title="Credentials not accepted",
            detail="The user name or password is not accepted. Check both and try again.",
        ),
        Refusal(
            code="ldap_user_ambiguous", status=401, title="Credentials not accepted",
            detail="This user name stands for more than one account. Tell the people who run this API.",
        ),
        Refusal(
            code="ldap_unavailable", status=503, title="Directory not available",
            detail="The directory that user names are checked with cannot be asked now. Try again later.",
        ),
    ),
    documentation=__doc__ or "",
)  # fmt: skip
