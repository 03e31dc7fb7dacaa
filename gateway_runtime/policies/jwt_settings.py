"""The settings of JWT validation, by their documented names."""

import enum
from typing import Annotated, Literal

from gateway_runtime.fetching.url import parse_url
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.policy import PolicyConfig, setting

URL_LIMIT = 10
CLAIMS = {"claimSet": Gives.OBJECT}
TOKEN = ExpressionSetting(gives=Gives.STRING)
CLIENT_ID = ExpressionSetting(gives=Gives.STRING, variables=CLAIMS)
# A text, or an expression that is to give true.
CLAIM = ExpressionSetting(gives=Gives.ANY, variables=CLAIMS, text=True)


class Origin(enum.StrEnum):
    """Where a request carries its token."""

    BEARER = "httpBearerAuthenticationHeader"
    EXPRESSION = "customExpression"


class Method(enum.StrEnum):
    """How tokens are signed. `none` is documented, and refused with a reason."""

    RSA = "rsa"
    HMAC = "hmac"
    ES = "es"
    NONE = "none"


class KeyOrigin(enum.StrEnum):
    """Where keys come from."""

    TEXT = "text"
    JWKS = "jwks"


class CustomClaim(PolicyConfig, frozen=True):
    """A claim and what it has to be."""

    key: Annotated[str, setting("Claim", "The name of the claim.", min_length=1, max_length=200, placeholder="iss")]
    value: Annotated[
        str,
        expression("Value", "What it has to be, letter by letter, or an expression that has to give true.", CLAIM),
    ]


class Config(PolicyConfig, frozen=True):
    """Where the token is, with which keys it is signed, and what it has to say."""

    jwt_origin: Annotated[
        Origin, setting("Token from", "The Authorization: Bearer header, or what the expression below selects.")
    ] = Origin.BEARER
    jwt_expression: Annotated[
        str,
        expression(
            "Token expression",
            "With a custom expression: what the token is. Query parameters end up in the logs of others.",
            TOKEN,
            min_length=1,
            only_with="jwtOrigin=customExpression",
        ),
    ] = "#[attributes.headers['jwt']]"
    signing_method: Annotated[
        Method, setting("Signing method", "The one kind of signature that is accepted. Unsigned tokens never are.")
    ] = Method.RSA
    signing_key_length: Annotated[
        Literal[256, 384, 512],
        setting("Signing key length", "The bits of the digest: 256 stands for RS256, HS256 or ES256."),
    ] = 256
    jwt_key_origin: Annotated[
        KeyOrigin, setting("Keys from", "The text below, or key sets that the identity provider publishes.")
    ] = KeyOrigin.TEXT
    text_key: Annotated[
        str,
        setting(
            "Key",
            "A public key (PEM without its first and last line), or the secret of an HMAC.",
            secret=True,
            max_length=9000,
            only_with="jwtKeyOrigin=text",
        ),
    ] = ""
    jwks_url: Annotated[
        str,
        setting(
            "Key set URL",
            "Where the identity provider publishes its keys; several URLs are separated by commas.",
            max_length=9000,
            only_with="jwtKeyOrigin=jwks",
            placeholder="https://login.example/.well-known/jwks.json",
        ),
    ] = ""
    jwks_service_time_to_live: Annotated[
        int,
        setting(
            "Key set lifetime",
            "After how many minutes a key set is fetched anew.",
            ge=1,
            le=10_080,
            only_with="jwtKeyOrigin=jwks",
        ),
    ] = 60
    jwks_service_connection_timeout: Annotated[
        int,
        setting(
            "Key set timeout",
            "How many milliseconds fetching a key set may take.",
            ge=100,
            le=60_000,
            only_with="jwtKeyOrigin=jwks",
        ),
    ] = 10_000
    validate_aud_claim: Annotated[bool, setting("Check the audience", "Accept only tokens for these audiences.")] = (
        False
    )
    mandatory_aud_claim: Annotated[
        bool,
        setting(
            "Audience required",
            "Refuse tokens that name no audience, where it is checked.",
            only_with="validateAudClaim=true",
        ),
    ] = False
    supported_audiences: Annotated[
        str,
        setting(
            "Audiences",
            "Who this API is in tokens, separated by commas.",
            max_length=9000,
            only_with="validateAudClaim=true",
        ),
    ] = ""
    mandatory_exp_claim: Annotated[
        bool, setting("Expiry required", "Refuse tokens that never expire. One that is there is always checked.")
    ] = False
    mandatory_nbf_claim: Annotated[
        bool, setting("“Not before” required", "Refuse tokens without it. One that is there is always checked.")
    ] = False
    validate_custom_claim: Annotated[bool, setting("Check custom claims", "Check the claims listed below.")] = False
    mandatory_custom_claims: Annotated[
        list[CustomClaim],
        setting(
            "Mandatory custom claims",
            "Must be there and have these values.",
            max_length=50,
            only_with="validateCustomClaim=true",
        ),
    ] = []
    non_mandatory_custom_claims: Annotated[
        list[CustomClaim],
        setting(
            "Optional custom claims",
            "Must have these values where they are there.",
            max_length=50,
            only_with="validateCustomClaim=true",
        ),
    ] = []
    supported_types: Annotated[
        str,
        setting(
            "Token types",
            "What the header of a token has to call it (typ), separated by commas; at+jwt for access tokens alone.",
            max_length=500,
            placeholder="at+jwt",
        ),
    ] = ""
    skip_client_id_validation: Annotated[
        bool,
        setting("Skip client ID validation", "Off: the token must be of a client application with an active contract."),
    ] = True
    client_id_expression: Annotated[
        str,
        expression(
            "Client ID expression",
            "What the client ID is, mostly a claim.",
            CLIENT_ID,
            min_length=1,
            only_with="skipClientIdValidation=false",
        ),
    ] = "#[vars.claimSet.client_id]"

    def __post_init__(self) -> None:
        if self.signing_method is Method.NONE:
            raise ValueError("A token without a signature can be made by anybody. Choose rsa, hmac or es")
        if self.signing_method is Method.ES and self.signing_key_length == 512:
            raise ValueError("Signatures of the method es have a key length of 256 or 384")
        if self.jwt_key_origin is KeyOrigin.TEXT:
            if not self.text_key:
                raise ValueError("Give the key as textKey, or set jwtKeyOrigin to jwks")
            from gateway_runtime.policies.jwt_key_reading import text_key

            text_key(self.text_key, self.algorithm())
        else:
            if self.signing_method is Method.HMAC:
                raise ValueError("A secret is never published in a key set. Give it as textKey")
            urls = self.key_set_urls()
            if not urls or len(urls) > URL_LIMIT:
                raise ValueError(f"Give one to {URL_LIMIT} URLs of key sets as jwksUrl, separated by commas")
            for url in urls:
                parse_url(url)
        if self.validate_aud_claim and not self.audiences():
            raise ValueError("Give supportedAudiences, or do not check the audience")
        if self.validate_custom_claim and not (self.mandatory_custom_claims or self.non_mandatory_custom_claims):
            raise ValueError("Give at least one custom claim, or do not check them")

    def types(self) -> frozenset[str]:
        """Return the types of tokens that are accepted, in lower case; none where any is."""
        return frozenset(name.lower() for part in self.supported_types.split(",") if (name := part.strip()))

    def algorithm(self) -> str:
        """Return the one algorithm that is accepted (RFC 7518 section 3.1)."""
        kind = {Method.RSA: "RS", Method.HMAC: "HS", Method.ES: "ES"}[self.signing_method]
        return f"{kind}{self.signing_key_length}"

    def key_set_urls(self) -> list[str]:
        """Return the URLs of the key sets."""
        return [url for part in self.jwks_url.split(",") if (url := part.strip())]

    def audiences(self) -> frozenset[str]:
        """Return the audiences that are accepted."""
        return frozenset(name for part in self.supported_audiences.split(",") if (name := part.strip()))
