"""`manage.py verify_audit`: look at every entry of the audit log."""

from argparse import ArgumentParser
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from portal.audit.verification import Place, audit_verify


class Command(BaseCommand):
    """Changes nothing but what is kept of the last verification."""

    help = "Tell whether entries of the audit log were changed, deleted or added from outside. Ends with 1 if so."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--since", metavar="NUMBER:CODE", help="a place that the chain has to contain")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and tell how far it is."""
        try:
            since = Place.read(options["since"]) if options["since"] else None
        except ValueError as error:
            raise CommandError(str(error)) from error
        try:
            verdict = audit_verify(since=since, told=self._progress)
        except InvalidToken as error:
            raise CommandError(
                "No key of the ring opens the key of the chain. Put the key that made it back into the ring."
            ) from error
        if verdict.count:
            more = f"\n… and {verdict.count - len(verdict.faults)} more" if verdict.count > len(verdict.faults) else ""
            raise CommandError("The audit log is not what was recorded.\n" + "\n".join(verdict.faults) + more)
        if not verdict.events:
            self.stdout.write("Nothing has been recorded yet.")
            return
        self.stdout.write(f"{verdict.events} entries are what was recorded. The chain ends with")
        self.stdout.write(str(verdict.end))

    def _progress(self, done: int, of: int) -> None:
        self.stderr.write(f"{done} of {of} …")
