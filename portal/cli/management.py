"""Commands that work on the database of this machine's portal."""

import os
import sys

import click


def manage(*arguments: str) -> None:
    """Run a management command here. Ends the program where it fails."""
    import django
    from django.core.management import CommandError, call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    try:
        call_command(*arguments)
    except CommandError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
