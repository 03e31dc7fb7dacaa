"""The keys of one or several key sets, as one row of keys that stays the same object as long as they are the same."""

from collections.abc import Sequence
from typing import Any

from gateway_runtime.fetching.questions import together
from gateway_runtime.policies.context import RemoteDocument
from gateway_runtime.policies.jwt_keys import SigningKey

Keys = tuple[SigningKey, ...]


class KeySets:
    """The keys of the key sets of a binding that may sign with its algorithms."""

    __slots__ = ("_algorithms", "_keys", "_remotes", "_values")

    def __init__(self, remotes: Sequence[RemoteDocument], algorithms: Sequence[str]) -> None:
        self._algorithms = algorithms
        self._remotes = remotes
        self._values: list[Any] = [None] * len(self._remotes)
        self._keys: Keys = ()

    def current(self) -> Keys | None:
        """Return the keys if they may be used without waiting; the same object as long as they are the same."""
        for remote, known in zip(self._remotes, self._values, strict=True):
            value = remote.current()
            if value is None or value is not known:
                break
        else:
            return self._keys
        values = [remote.current() for remote in self._remotes]
        # Where one of several sets is out of reach, the keys of the others go on.
        if any(value is None and not r.fails() for value, r in zip(values, self._remotes, strict=True)):
            return None
        return self._of(values)

    async def latest(self) -> Keys | None:
        """Wait for the keys. None where no key set at all can be had."""
        return self._of(await together(remote.latest() for remote in self._remotes))

    def may_ask_again(self) -> bool:
        """Tell whether a key that is missing may be looked for."""
        return any(remote.may_ask_again() for remote in self._remotes)

    async def newer(self) -> Keys | None:
        """Look whether there are newer keys."""
        return self._of(await together(remote.newer() for remote in self._remotes))

    def _of(self, values: list[Any]) -> Keys | None:
        if all(value is None for value in values):
            return None
        if any(value is not known for value, known in zip(values, self._values, strict=True)):
            from gateway_runtime.policies.jwt_key_reading import usable_keys

            self._values = values
            self._keys = tuple(
                key
                for value in values
                if value is not None
                for algorithm in self._algorithms
                for key in usable_keys(value, algorithm)
            )
        return self._keys
