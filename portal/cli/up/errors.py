"""How starting can fail."""


class StartError(Exception):
    """Portico cannot start. The text is one sentence that says what to do; `log` is the end of a process's output."""

    def __init__(self, sentence: str, log: list[str] | None = None) -> None:
        super().__init__(sentence)
        self.log = log or []


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM while Portico was starting."""
