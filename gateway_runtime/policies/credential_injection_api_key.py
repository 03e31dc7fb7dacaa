"""# Credential injection: API key

Sends an API key, or a client ID and secret, of its own to the backend.

## When to use it

For a backend that wants a key which callers must not know. Authenticate callers by another policy: this one lets
everybody use the backend's key.

## Example

```yaml
policyRef:
  name: credential-injection-api-key
config:
  authType: apiKey
  apiKey: correct-horse-battery
  customHeader: x-api-key
  overwrite: true
```

## What it does

With the type `apiKey` it sets `Authorization`, or the header that `customHeader` names, to the key as it stands. With
`clientCredentials` it sets `client_id` and `client_secret`, or the headers that are named instead. With `overwrite` (as
it stands) the caller's headers of these names go; without, a header that the caller has sent is kept.

This policy refuses no request: what the backend says to the key is passed on.
"""

import enum
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.policies.credential_injection import checked_header, checked_value, injecting
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting


class AuthType(enum.StrEnum):
    """What is sent."""

    API_KEY = "apiKey"
    CLIENT_CREDENTIALS = "clientCredentials"


class Config(PolicyConfig, frozen=True):
    """The key, and the headers that carry it."""

    auth_type: Annotated[AuthType, setting("Type", "One key, or a client ID with its secret.")] = AuthType.API_KEY
    overwrite: Annotated[
        bool, setting("Overwrite", "Replace headers that the caller has sent. Off: the caller's are kept.")
    ] = True
    api_key: Annotated[
        str,
        setting(
            "API key", "The key that the backend knows.", secret=True, max_length=4000, only_with="authType=apiKey"
        ),
    ] = ""
    custom_header: Annotated[
        str,
        setting(
            "Key header", "The header of the key. Empty: Authorization.", max_length=100, only_with="authType=apiKey"
        ),
    ] = ""
    client_id: Annotated[
        str,
        setting(
            "Client ID", "The client ID that the backend knows.", max_length=500, only_with="authType=clientCredentials"
        ),
    ] = ""
    client_secret: Annotated[
        str,
        setting(
            "Client secret",
            "The secret that the backend knows.",
            secret=True,
            max_length=4000,
            only_with="authType=clientCredentials",
        ),
    ] = ""
    custom_client_id_header: Annotated[
        str,
        setting(
            "Client ID header",
            "The header of the ID. Empty: client_id.",
            max_length=100,
            only_with="authType=clientCredentials",
        ),
    ] = ""
    custom_client_secret_header: Annotated[
        str,
        setting(
            "Client secret header", "The header of the secret. Empty: client_secret.",
            max_length=100, only_with="authType=clientCredentials",
        ),
    ] = ""  # fmt: skip

    def __post_init__(self) -> None:
        if self.auth_type is AuthType.API_KEY and not self.api_key:
            raise ValueError("Give the apiKey")
        if self.auth_type is AuthType.CLIENT_CREDENTIALS and not (self.client_id and self.client_secret):
            raise ValueError("Give clientId and clientSecret")
        checked_value("The API key", self.api_key)
        checked_value("The client ID", self.client_id)
        checked_value("The client secret", self.client_secret)
        for name in (self.custom_header, self.custom_client_id_header, self.custom_client_secret_header):
            checked_header(name)
        id_header, secret_header = self.headers()
        if id_header.lower() == secret_header.lower():
            raise ValueError("Client ID and secret need a header each")

    def headers(self) -> tuple[str, str]:
        """Return the headers of client ID and secret."""
        return self.custom_client_id_header or "client_id", self.custom_client_secret_header or "client_secret"


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Encode the key once."""
    if config.auth_type is AuthType.API_KEY:
        pairs = [(config.custom_header or "authorization", config.api_key.encode())]
    else:
        id_header, secret_header = config.headers()
        pairs = [(id_header, config.client_id.encode()), (secret_header, config.client_secret.encode())]
    return injecting(pairs, overwrite=config.overwrite)


DEFINITION = PolicyDefinition(
    name="credential-injection-api-key",
    title="Credential injection: API key",
    summary="Sends an API key, or a client ID and secret, of its own to the backend.",
    category=Category.SECURITY,
    icon="key",
    config=Config,
    build=build,
    default_order=421,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "authType": "apiKey",
        "overwrite": True,
        "apiKey": "correct-horse-battery",
        "customHeader": "x-api-key",
        "clientId": "",
        "customClientIdHeader": "",
        "customClientSecretHeader": "",
    },
    documentation=__doc__ or "",
)
