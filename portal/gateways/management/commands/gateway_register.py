"""`manage.py gateway_register SLUG --output FILE`: write the registration a gateway starts with."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.gateways.registration import registration_write


class Command(BaseCommand):
    """Writes `registration.yaml`; running it again changes nothing unless keys or Redis changed."""

    help = "Write the registration file with which a gateway starts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("slug", help="The gateway's slug, as in its address in the console.")
        parser.add_argument("--output", required=True, type=Path, help="The file to write.")
        parser.add_argument("--organization", default="", help="Organization's slug, when several have such a gateway.")
        parser.add_argument("--environment", default="", help="Environment's slug, when several have such a gateway.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find the one gateway meant and write its file."""
        found = Gateway.objects.filter(slug=options["slug"])
        if options["organization"]:
            found = found.filter(environment__organization__slug=options["organization"])
        if options["environment"]:
            found = found.filter(environment__slug=options["environment"])
        gateways = list(found.select_related("environment__organization")[:2])
        if not gateways:
            raise CommandError(f"There is no gateway {options['slug']}. Create it in the console under Gateways.")
        if len(gateways) > 1:
            raise CommandError(
                f"Several gateways are called {options['slug']}. Add --organization and --environment to say which."
            )
        try:
            written = registration_write(gateway=gateways[0], path=options["output"])
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if written and options["verbosity"]:
            self.stdout.write(f"Registration of {gateways[0].name} written to {options['output']}.")
