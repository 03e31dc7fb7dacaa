"""`manage.py rotate_keys`: encrypt everything with the newest key of the ring."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.key_rotation import Tally, keys_check, keys_rotate


class Command(BaseCommand):
    """Can be stopped and run again at any time."""

    help = (
        "Encrypt every secret in the database with the first key of PORTICO_KEY_RING. With --check nothing is changed: "
        "it tells how many secrets still need an older key, and ends with 1 when there are any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--check", action="store_true", help="only tell what needs an older key")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and tell how far it is."""
        tallies = keys_check() if options["check"] else keys_rotate(told=self._progress)
        for tally in tallies:
            self.stdout.write(f"{tally.place}: {tally.secrets} secrets, {tally.renewed} renewed, {tally.left} left")
        left, lost = sum(tally.left for tally in tallies), sum(tally.lost for tally in tallies)
        if lost:
            places = ", ".join(f"{tally.place} ({tally.lost})" for tally in tallies if tally.lost)
            raise CommandError(
                f"No key of the ring opens {lost} secrets: {places}. Put the key that made them back into the ring."
            )
        if left:
            raise CommandError(f"{left} secrets still need an older key. Run this without --check.")
        self.stdout.write("Every secret is encrypted with the newest key. Older keys can be removed from the ring.")

    def _progress(self, tally: Tally) -> None:
        self.stderr.write(f"{tally.place}: {tally.secrets} looked at, {tally.renewed} renewed …")
