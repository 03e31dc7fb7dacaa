"""The first steps on the home page. The app that knows whether a step is done registers it in `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.core.links import console_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what it is, where it is done, and how to tell that it is."""

    order: int
    key: str
    title: str
    text: str
    # A console page without further arguments.
    url_name: str
    done: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class StepState:
    """A step with its state in one environment; `current` is the first that is not done."""

    step: Step
    done: bool
    current: bool
    url: str


_steps: dict[str, Step] = {}


def register(order: int, key: str, title: str, text: str, url_name: str, done: Callable[[Any], bool]) -> None:
    """Add a step. `done` takes an environment and looks at real state. The same key again replaces it."""
    _steps[key] = Step(order=order, key=key, title=title, text=text, url_name=url_name, done=done)


def states(environment: Any) -> list[StepState]:
    """Return every step with its state in this environment, in order."""
    found = []
    current_seen = False
    for step in sorted(_steps.values(), key=lambda step: (step.order, step.key)):
        done = step.done(environment)
        found.append(StepState(step, done, not done and not current_seen, console_url(environment, step.url_name)))
        current_seen = current_seen or not done
    return found
