"""# Credential injection: basic authentication

Sends a user name and password of its own to the backend as HTTP Basic credentials (RFC 7617).

## When to use it

For a backend that wants a password which callers must not know. Authenticate callers by another policy: this one lets
everybody use the backend's credentials.

## Example

```yaml
policyRef:
  name: credential-injection-basic-auth
config:
  username: portal
  password: correct-horse-battery
  overwrite: true
  customHeader: x-backend-authorization
```

## What it does

It sets `Authorization`, or the header that `customHeader` names, on the way to the backend, after all other policies
have read what the caller has sent. With `overwrite` (as it stands) the caller's header goes; without, a request that
has the header keeps its own.

This policy refuses no request: what the backend says to the credentials is passed on.
"""

from base64 import b64encode
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.policies.credential_injection import checked_header, injecting
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting


class Config(PolicyConfig, frozen=True):
    """The credentials, and the header that carries them."""

    username: Annotated[
        str, setting("User name", "The name that the backend knows. It cannot contain a colon.", max_length=200)
    ] = ""
    password: Annotated[
        str, setting("Password", "The password that the backend knows.", secret=True, max_length=500)
    ] = ""
    overwrite: Annotated[
        bool, setting("Overwrite", "Replace the header where the caller has sent it. Off: the caller's is kept.")
    ] = True
    custom_header: Annotated[
        str,
        setting(
            "Custom header",
            "The header that carries the credentials. Empty: Authorization.",
            max_length=100,
        ),
    ] = ""

    def __post_init__(self) -> None:
        if ":" in self.username:
            raise ValueError("A user name cannot contain a colon")
        if not self.username and not self.password:
            raise ValueError("Give a user name, a password or both")
        checked_header(self.custom_header)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Encode the credentials once."""
    encoded = b"Basic " + b64encode(f"{config.username}:{config.password}".encode())
    return injecting([(config.custom_header or "authorization", encoded)], overwrite=config.overwrite)


DEFINITION = PolicyDefinition(
    name="credential-injection-basic-auth",
    title="Credential injection: basic authentication",
    summary="Sends a user name and password of its own to the backend.",
    category=Category.SECURITY,
    icon="key",
    config=Config,
    build=build,
    default_order=420,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "username": "portal",
        "password": "correct-horse-battery",
        "overwrite": True,
        "customHeader": "x-backend-authorization",
    },
    documentation=__doc__ or "",
)
