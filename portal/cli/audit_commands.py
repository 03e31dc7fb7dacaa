"""`portico audit`: whether the audit log is what was recorded."""

import click

from portal.cli.management import manage


@click.group()
def audit() -> None:
    """Verify the audit log."""


@audit.command()
@click.option(
    "--since", metavar="NUMBER:CODE",
    help="The end of the chain as an earlier run printed it: the log has to go on from there.",
)  # fmt: skip
def verify(since: str | None) -> None:
    """Tell whether entries were changed, deleted or added from outside. Ends with 1 where they were."""
    manage("verify_audit", *(("--since", since) if since else ()))
