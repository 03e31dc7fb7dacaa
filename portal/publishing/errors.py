"""Why a revision could not be published."""


class PublishError(Exception):
    """`permanent` says that trying again without a change of data is of no use."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
