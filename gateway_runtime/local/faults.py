"""What is wrong with a file: always with its name, the line and the key."""

from collections.abc import Sequence

SHOWN = 10


class FileFault(Exception):
    """One thing that is wrong. `line` counts from 1 and is 0 where there is none; `key` is the path inside the file."""

    def __init__(self, file: str, line: int, key: str, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.key = key
        self.message = message
        self.code = code

    @property
    def where(self) -> str:
        """Return “file:line: key”, leaving out what is not known."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}" if self.key else place

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class FilesRefused(Exception):
    """The files as they are now cannot be used. At least one fault; all that were found."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line)))
        super().__init__(str(self))

    def __str__(self) -> str:
        shown = [str(fault) for fault in self.faults[:SHOWN]]
        more = len(self.faults) - SHOWN
        return "\n".join([*shown, f"… and {more} more."] if more > 0 else shown)
