"""The pages of the documentation: Markdown files under pages/, and one page for every policy."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.policy import PolicyDefinition

PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A group of pages. `first` names those that come before the alphabet."""

    slug: str
    title: str
    text: str
    icon: str
    first: tuple[str, ...] = ()


SECTIONS = (
    Section(slug="start", title="Start", text="From nothing to a policy on live traffic.", icon="player-play",
            first=("quick-start", "ideas")),
    Section(slug="guides", title="Guides", text="How to do one thing, step by step.", icon="route"),
    Section(slug="policies", title="Policies", text="What each policy does, its settings and refusals.",
            icon="shield-check"),
    Section(slug="reference", title="Reference", text="Every name, exactly.", icon="list-details"),
    Section(slug="operations", title="Operations", text="Running Portico and what happens when parts fail.",
            icon="server"),
    Section(slug="decisions", title="Decisions", text="What was chosen where two ways were open, and why.",
            icon="git-fork"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. `text` is its Markdown without the title; `policy` is set on a policy's page."""

    section: str
    slug: str
    title: str
    summary: str
    text: str
    policy: PolicyDefinition | None = None


@cache
def pages() -> dict[tuple[str, str], Page]:
    """Return every page by section and name, in the order of the navigation."""
    found: list[Page] = []
    for section in SECTIONS:
        if section.slug == "policies":
            found += [_policy_page(policy) for policy in sorted(all_definitions(), key=lambda each: each.title)]
            continue
        paths = sorted((PAGES / section.slug).glob("*.md"), key=lambda path: _rank(section, path.stem))
        found += [_page(section.slug, path.stem, path.read_text(encoding="utf-8")) for path in paths]
    return {(page.section, page.slug): page for page in found}


def contents() -> list[tuple[Section, list[Page]]]:
    """Return the sections that have pages, with them."""
    grouped = [(section, [page for page in pages().values() if page.section == section.slug]) for section in SECTIONS]
    return [(section, found) for section, found in grouped if found]


def _rank(section: Section, slug: str) -> tuple[int, str]:
    return (section.first.index(slug) if slug in section.first else len(section.first), slug)


def _page(section: str, slug: str, source: str) -> Page:
    title, _, text = source.strip().partition("\n")
    if not title.startswith("# "):
        raise ValueError(f"The page {section}/{slug} does not begin with “# ” and its title.")
    return Page(section=section, slug=slug, title=title[2:].strip(), summary=_summary(text), text=text.strip())


def _policy_page(policy: PolicyDefinition) -> Page:
    text = policy.documentation.strip()
    if text.startswith("# "):
        text = text.partition("\n")[2].strip()
    return Page(
        section="policies", slug=policy.name, title=policy.title, summary=policy.summary, text=text, policy=policy
    )


def _summary(text: str) -> str:
    """Return the first paragraph without its marks."""
    paragraph = text.strip().partition("\n\n")[0]
    return " ".join(paragraph.replace("**", "").replace("`", "").replace("*", "").split())
