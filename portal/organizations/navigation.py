"""The entries of the console's sidebar."""

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry; `console` entries lead to a page of the current environment."""

    title: str
    icon: str
    url_name: str
    permission: str = ""
    console: bool = True
    exact: bool = False
    # The letter that leads there after `g`.
    key: str = ""

    def address(self) -> str:
        """Return the address of an entry outside of the console."""
        return reverse(self.url_name)


ITEMS: tuple[Item, ...] = (
    Item(title="Home", icon="home", url_name="console_home", exact=True, key="h"),
    Item(title="APIs", icon="api", url_name="apis:list", permission="instance.view", key="a"),
    Item(title="Catalog", icon="books", url_name="catalog:list", permission="api.view", key="c"),
    Item(title="Gateways", icon="building-bridge-2", url_name="gateways:list", permission="gateway.view", key="g"),
    Item(title="Certificates", icon="certificate", url_name="certificates:list", permission="gateway.view", key="f"),
    Item(
        title="Automated policies",
        icon="shield-bolt",
        url_name="automated_policies:list",
        permission="policy.view",
        key="p",
    ),
    Item(title="Client access", icon="key", url_name="contracts:list", permission="contract.view", key="k"),
    Item(title="Analytics", icon="chart-histogram", url_name="analytics:dashboard", permission="traffic.view", key="n"),
    Item(title="Alerts", icon="bell", url_name="alerts:list", permission="alert.view", key="r"),
    Item(title="Traces", icon="list-search", url_name="traces:list", permission="traffic.view", key="t"),
    Item(
        title="Environments",
        icon="stack-2",
        url_name="organizations:environments",
        permission="environment.view",
        key="e",
    ),
    Item(title="People", icon="users", url_name="organizations:people", permission="people.view", key="u"),
    Item(title="Audit log", icon="history", url_name="audit:list", permission="audit.view", key="l"),
    Item(title="Developer hub", icon="world", url_name="hub:home", console=False, key="d"),
    Item(title="Docs", icon="book", url_name="docs:index", console=False, key="o"),
)
