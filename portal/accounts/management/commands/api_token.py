"""`manage.py api_token EMAIL NAME`: make an API token for scripts."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.accounts.selectors import user_by_email
from portal.accounts.services import api_token_create
from portal.core.errors import ApplicationError


class Command(BaseCommand):
    """Prints the token, and nothing else, on standard output."""

    help = "Make an API token for the person with this e-mail address and print it. It is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("email", help="whose token it is")
        parser.add_argument("name", help="where it is used, for example: deploy pipeline")
        parser.add_argument("--days", type=int, help="how long it lasts; without, it does not expire")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token."""
        user = user_by_email(options["email"])
        if user is None or not user.is_active:
            raise CommandError(f"There is no active account with the address {options['email']}.")
        days = options["days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("--days takes a number from 1 to 3650.")
        expires_at = timezone.now() + timedelta(days=days) if days is not None else None
        try:
            made = api_token_create(user=user, actor=user, name=options["name"], expires_at=expires_at)
        except ApplicationError as error:
            raise CommandError(error.message) from error
        self.stdout.write(made.secret)
