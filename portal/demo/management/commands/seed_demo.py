"""`manage.py seed_demo`: fill this installation with the demo company."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.core.errors import ApplicationError
from portal.demo.seed import demo_company_seed
from portal.env import env_secret, env_str


class Command(BaseCommand):
    """Makes the demo company once; later runs only follow ports that have moved."""

    help = "Fill this installation with the demo company."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and show the first password when it was made here."""
        given = env_secret("PORTICO_ADMIN_PASSWORD", default="")
        password = given or secrets.token_urlsafe(16)
        try:
            seeded = demo_company_seed(
                email=env_str("PORTICO_ADMIN_EMAIL", default="owner@harbourgoods.example"),
                password=password,
                demo_password=env_secret("PORTICO_DEMO_PASSWORD", default=""),
                home=settings.HOME,
            )
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if seeded.owner_created:
            shown = "the password in PORTICO_ADMIN_PASSWORD" if given else f"{password} (shown only this once)"
            self.stdout.write(f"Harbour Goods is there. Sign in as {seeded.owner_email} with {shown}.")
        else:
            self.stdout.write("Harbour Goods is there.")
