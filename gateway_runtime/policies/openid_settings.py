"""The settings of OpenID Connect token enforcement, by their documented names, and who the provider is."""

import enum
from typing import Annotated

import msgspec

from gateway_runtime.fetching.url import parse_url
from gateway_runtime.policies.credential_injection import checked_value
from gateway_runtime.policies.token_enforcement import Criterion, read_scopes
from gateway_runtime.schema.policy import PolicyConfig, setting

DISCOVERY = "/.well-known/openid-configuration"


class CheckedBy(enum.StrEnum):
    """How it is found out whether a token is good."""

    SIGNATURE = "signature"
    INTROSPECTION = "introspection"
    USERINFO = "userinfo"


class Config(PolicyConfig, frozen=True):
    """Who the provider is, how tokens are checked, and what they have to be."""

    issuer: Annotated[
        str,
        setting(
            "Issuer", "Who the provider says it is, letter by letter. Its endpoints are found by discovery.",
            placeholder="https://login.example", max_length=2000,
        ),
    ] = ""  # fmt: skip
    checked_by: Annotated[
        CheckedBy,
        setting("Checked by", "The signature of the token, or a question to the provider about each new one."),
    ] = CheckedBy.SIGNATURE
    jwks_url: Annotated[
        str,
        setting(
            "Key set URL", "Where the provider publishes its keys. Empty: as discovered.",
            only_with="checkedBy=signature", max_length=2000,
        ),
    ] = msgspec.field(name="jwksURL", default="")  # fmt: skip
    audiences: Annotated[
        str,
        setting(
            "Audiences", "Who this API is in tokens, separated by commas. Empty: not checked.",
            only_with="checkedBy=signature", max_length=4000,
        ),
    ] = ""  # fmt: skip
    introspection_url: Annotated[
        str,
        setting(
            "Introspection URL", "Where the provider is asked about tokens. Empty: as discovered.",
            only_with="checkedBy=introspection", max_length=2000,
        ),
    ] = msgspec.field(name="introspectionURL", default="")  # fmt: skip
    client_id: Annotated[
        str,
        setting(
            "Client ID", "As whom the gateway asks about tokens.",
            only_with="checkedBy=introspection", max_length=500,
        ),
    ] = ""  # fmt: skip
    client_secret: Annotated[
        str,
        setting(
            "Client secret", "The secret of this client.",
            secret=True, only_with="checkedBy=introspection", max_length=4000,
        ),
    ] = ""  # fmt: skip
    userinfo_url: Annotated[
        str,
        setting(
            "Userinfo URL", "Where the provider tells who the user of a token is. Empty: as discovered.",
            only_with="checkedBy=userinfo", max_length=2000,
        ),
    ] = msgspec.field(name="userinfoURL", default="")  # fmt: skip
    authentication_timeout: Annotated[
        int, setting("Timeout", "How many milliseconds the provider may take.", ge=100, le=60_000)
    ] = 10_000
    scopes: Annotated[
        str, setting("Scopes", "The scopes that a token needs, separated by spaces.", max_length=4000)
    ] = ""
    scope_validation_criteria: Annotated[
        Criterion, setting("Scopes needed", "AND: all of the scopes. OR: one of them.")
    ] = Criterion.AND
    secure_trust_store: Annotated[
        bool,
        setting(
            "Secure trust store",
            "Changes nothing: certificates are always checked against those that the system trusts.",
        ),
    ] = False
    expose_headers: Annotated[
        bool, setting("Expose headers", "Tell the backend the fields of the token as X-AGW- headers.")
    ] = False
    skip_client_id_validation: Annotated[
        bool,
        setting("Any client", "Off: the client of a token must be a client application with an active contract."),
    ] = True
    max_federation_expiration_time: Annotated[
        int,
        setting(
            "Longest trust", "After how many seconds a token is checked anew at the latest. -1: at its end.", ge=-1
        ),
    ] = -1
    max_cache_size: Annotated[
        int, setting("Tokens remembered", "How many tokens are remembered. 0 checks each request.", ge=0, le=1_000_000)
    ] = 1000

    def __post_init__(self) -> None:
        endpoint = self.endpoint()
        if endpoint:
            parse_url(endpoint)
        elif not self.issuer:
            raise ValueError("Give the issuer, or the URL of the endpoint that tokens are checked with")
        if self.issuer:
            parse_url(self.issuer.rstrip("/") + DISCOVERY)
        if self.checked_by is CheckedBy.SIGNATURE and not self.issuer:
            raise ValueError("Give the issuer: a signature says nothing where another provider may have signed")
        if self.checked_by is CheckedBy.INTROSPECTION and not (self.client_id and self.client_secret):
            raise ValueError("Give clientId and clientSecret: a provider does not tell everybody about tokens")
        checked_value("The client ID", self.client_id)
        checked_value("The client secret", self.client_secret)
        read_scopes(self.scopes)

    def endpoint(self) -> str:
        """Return the endpoint that is named instead of discovered, empty without."""
        return {
            CheckedBy.SIGNATURE: self.jwks_url,
            CheckedBy.INTROSPECTION: self.introspection_url,
            CheckedBy.USERINFO: self.userinfo_url,
        }[self.checked_by]

    def accepted_audiences(self) -> frozenset[str]:
        """Return the audiences that are accepted; none where any is."""
        return frozenset(name for part in self.audiences.split(",") if (name := part.strip()))
