"""# IP allowlist

Lets a request pass only when it comes from one of the listed addresses.

## When to use it

For an API that only known networks may call: a partner's exit addresses, the offices, the cluster. It tells where a
request comes from, not who sent it: put authentication behind it.

## Example

```yaml
policyRef:
  name: ip-allowlist
config:
  ips:
    - 203.0.113.7
    - 192.168.3.0/24
    - "10.20"
    - 2001:db8::/32
  ipExpression: "#[attributes.headers['x-forwarded-for']]"
```

## What it does

An entry is a single address, a CIDR range (`192.168.3.1/30` covers .0 to .3), or leading octets (`"10.20"` covers
10.20.0.0 to 10.20.255.255). IPv4 addresses written as IPv6 (`::ffff:203.0.113.7`) are IPv4 addresses here.

`ipExpression` says where the caller's address is found. As documented it is
`#[attributes.headers['x-forwarded-for']]`: the gateway takes that header away from callers and writes it itself, so
this is the address that the gateway sees, as is `#[attributes.remoteAddress]`. With another expression the first
address of the list that it gives counts: name only a header that a proxy before the gateway sets and that callers
cannot send past it.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 403 | `ip_not_allowed` | the caller's address is not on the list, or cannot be read |

A request whose address cannot be read (the expression fails, or gives no address) is refused: this policy always fails
closed.
"""

from gateway_runtime.policies.address_list import AddressListConfig, address_handlers
from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition, Refusal


class Config(AddressListConfig, frozen=True):
    """The addresses that may call."""


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Refuse whom the list does not have."""
    return address_handlers(config, runtime, "ip_not_allowed", inside=True)


DEFINITION = PolicyDefinition(
    name="ip-allowlist",
    title="IP allowlist",
    summary="Lets requests pass only from listed addresses.",
    category=Category.SECURITY,
    icon="shield-check",
    config=Config,
    build=build,
    default_order=30,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "ips": ["203.0.113.7", "192.168.3.0/24", "10.20", "2001:db8::/32"],
        "ipExpression": "#[attributes.headers['x-forwarded-for']]",
    },
    refusals=(
        Refusal(
            code="ip_not_allowed",
            status=403,
            title="Address not allowed",
            detail="This API does not take requests from the address you call from.",
        ),
    ),
    documentation=__doc__ or "",
)
