"""# IP blocklist

Refuses requests that come from one of the listed addresses.

## When to use it

To shut out addresses that misbehave, at once and for one API. Whom you know and want to let in is better put on an
[IP allowlist](/docs/policies/ip-allowlist/): those who are shut out find other addresses.

## Example

```yaml
policyRef:
  name: ip-blocklist
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
| 403 | `ip_blocked` | the caller's address is on the list, or cannot be read |

A request whose address cannot be read (the expression fails, or gives no address) is refused: this policy always fails
closed.
"""

from gateway_runtime.policies.address_list import AddressListConfig, address_handlers
from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition, Refusal


class Config(AddressListConfig, frozen=True):
    """The addresses that may not call."""


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Refuse whom the list has."""
    return address_handlers(config, runtime, "ip_blocked", inside=False)


DEFINITION = PolicyDefinition(
    name="ip-blocklist",
    title="IP blocklist",
    summary="Refuses requests from listed addresses.",
    category=Category.SECURITY,
    icon="shield-x",
    config=Config,
    build=build,
    default_order=20,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "ips": ["203.0.113.7", "192.168.3.0/24", "10.20", "2001:db8::/32"],
        "ipExpression": "#[attributes.headers['x-forwarded-for']]",
    },
    refusals=(
        Refusal(
            code="ip_blocked",
            status=403,
            title="Address not allowed",
            detail="This API does not take requests from the address you call from.",
        ),
    ),
    documentation=__doc__ or "",
)
