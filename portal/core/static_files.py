"""Static files with their digest in the name once they are collected, and under their plain name before that."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ConsoleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names files by the manifest when there is one; development and tests have none and use the finders."""

    # Source maps of packages are not served (one alone has 17 MB), so links to them are left as they are.
    patterns = tuple(
        (glob, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for glob, rules in CompressedManifestStaticFilesStorage.patterns
    )

    def create_compressor(self, **options: Any) -> Compressor:
        """Return what compresses files: with gzip alone. Brotli at its best takes minutes for all of them."""
        return super().create_compressor(**options, use_brotli=False)

    def stored_name(self, name: str) -> str:
        """Return the name that a page links to."""
        return super().stored_name(name) if self.hashed_files else name
