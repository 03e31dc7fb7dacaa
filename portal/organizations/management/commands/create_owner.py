"""`manage.py create_owner`: the first person and organization of an installation."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.errors import ApplicationError
from portal.env import EnvError, env_secret, env_str
from portal.organizations.services import first_owner_create


class Command(BaseCommand):
    """Does nothing when the installation has an operator already."""

    help = (
        "Create the operator and their organization from PORTICO_ADMIN_EMAIL and PORTICO_ADMIN_PASSWORD (or "
        "PORTICO_ADMIN_PASSWORD_FILE). Prints one line of JSON; it holds a password only when one was made here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--organization", default="My company", help="name of the organization")
        parser.add_argument("--name", default="", help="name of the person")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create them."""
        try:
            made = first_owner_create(
                email=env_str("PORTICO_ADMIN_EMAIL", default="admin@portico.example"),
                password=env_secret("PORTICO_ADMIN_PASSWORD", default=""),
                name=options["name"],
                organization_name=options["organization"],
            )
        except (ApplicationError, EnvError) as error:
            raise CommandError(getattr(error, "message", str(error))) from error
        line: dict[str, Any] = {"created": made is not None}
        if made is not None:
            line |= {"email": made.user.email, "organization": made.organization.slug}
            line |= {"password": made.password} if made.password else {}
        self.stdout.write(json.dumps(line))
