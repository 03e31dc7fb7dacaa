"""What policies in shadow mode would have refused."""

from dataclasses import dataclass

from portal.analytics.figures import Figures


@dataclass(frozen=True, slots=True)
class ShadowVerdict:
    """Calls that one policy would have ended for one reason. `applications` are those that are known."""

    policy: str
    code: str
    status: int
    calls: int
    applications: int


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """All verdicts of a time. An application that met several of them counts once."""

    calls: int
    applications: int
    verdicts: list[ShadowVerdict]


def shadow_figures(figures: Figures) -> ShadowFigures:
    """Return what would have been refused."""
    everybody: set[str] = set()
    verdicts = []
    for (policy, code, status), calls in figures.shadowed.items():
        applications = figures.shadowed_applications.get((policy, code, status), set())
        everybody |= applications
        verdicts.append(ShadowVerdict(policy, code, status, calls, len(applications)))
    verdicts.sort(key=lambda each: (-each.calls, each.policy, each.code, each.status))
    return ShadowFigures(figures.shadowed.total(), len(everybody), verdicts)
