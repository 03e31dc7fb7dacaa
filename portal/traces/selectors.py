"""Questions about traces: which there are, and what one tells."""

import shlex
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.db.models import Sum
from django.urls import reverse

from gateway_runtime.policies.registry import definition
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import Phase
from gateway_runtime.schema.trace import MASK, Outcome
from portal.apis.models import ApiInstance
from portal.gateways.models import Replica
from portal.policies.settings import policy_title
from portal.publishing.models import Revision
from portal.traces.models import Trace, TraceLoss

# Bars are drawn on a line so long.
LINE = 1000
OUTCOMES = {
    Outcome.CONTINUED: "went on",
    Outcome.REFUSED: "refused",
    Outcome.ANSWERED: "answered itself",
    Outcome.WOULD_REFUSE: "would have refused",
    Outcome.NOT_BOUND: "not for this request",
    Outcome.NEEDS_BODY: "asked for the body",
    Outcome.FAILED: "failed",
}
# Told of a caller who has not waited: nobody ever gets it as an answer.
_CLIENT_GONE = "client_gone"


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the waterfall: what it is, when it began and how long it took, in milliseconds and on the line."""

    title: str
    kind: str
    at: float
    took: float
    start: int
    width: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """One policy in order, as people read it. `saw` are the headers it found, masked, where they had changed."""

    title: str
    docs: str
    on_answer: bool
    on_body: bool
    outcome: str
    words: str
    code: str
    took: float
    saw: list[tuple[str, str]] | None


@dataclass(slots=True)
class Explanation:
    """Everything the page about one trace says."""

    trace: Trace
    instance: ApiInstance | None = None
    revision: Revision | None = None
    replica: Replica | None = None
    reason: str = ""
    docs: str = ""
    headline: str = ""
    steps: list[StepView] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    curl: str = ""


def traces_by_request(rows: Any, request_id: str) -> Any:
    """Return the traces of one request among `rows`, the fullest first."""
    # A caller may choose the id, so several requests can have the same.
    return rows.filter(request_id=request_id).order_by("-kind", "-at")


def traces_dropped(*, gateways: Any) -> int:
    """Return how many traces the replicas of some gateways gave up in the time that traces are kept."""
    return TraceLoss.objects.filter(gateway_id__in=gateways.values("pk")).aggregate(all=Sum("dropped"))["all"] or 0


def trace_explained(trace: Trace, *, instances: Any) -> Explanation:
    """Return what a trace tells. `instances` are those that the reader may see."""
    found = Explanation(trace)
    found.instance = instances.filter(pk=trace.instance).first() if trace.instance else None
    found.revision = (
        Revision.objects.filter(gateway_id=trace.gateway_id, number=trace.revision).defer("envelope").first()
    )
    found.replica = Replica.objects.filter(gateway_id=trace.gateway_id, replica_id=trace.replica_id).first()
    found.headline = _headline(trace)
    if trace.code:
        found.reason, found.docs = reason_of(trace.policy, trace.code)
    found.steps = [_step(step) for step in trace.detail.get("steps", [])]
    found.attempts = [{**attempt, "took": attempt["took_us"] / 1000} for attempt in trace.detail.get("attempts", [])]
    found.query = [tuple(pair) for pair in trace.detail.get("query", [])]
    found.bars = _bars(trace)
    scheme = str(found.instance.listener.protocol) if found.instance is not None else "http"
    found.curl = _curl(trace, scheme)
    return found


def _headline(trace: Trace) -> str:
    """Return who has ended a request."""
    if trace.code and trace.policy:
        return f"Refused by {policy_title(trace.policy)}"
    if trace.code == _CLIENT_GONE:
        return "The caller went away"
    if trace.code:
        begun = any(attempt["status"] == trace.status for attempt in trace.detail.get("attempts", []))
        return "The answer of the service broke off" if begun else "Answered by the gateway"
    return "Went on as a WebSocket" if trace.status == HTTPStatus.SWITCHING_PROTOCOLS else "Answered by the service"


def reason_of(policy: str, code: str) -> tuple[str, str]:
    """Return what a reason code means to a caller, and the page of the documentation that has it."""
    if code == _CLIENT_GONE:
        return "The connection of the caller was closed before the whole answer had been sent.", ""
    if not policy:
        return "", reverse("docs:page", args=("reference", "answers-of-the-gateway"))
    try:
        known = definition(policy)
    except ConfigFault:
        return "", ""
    detail = next((refusal.detail for refusal in known.refusals if refusal.code == code), "")
    return detail, policy_page(known.name)


def policy_page(policy: str) -> str:
    """Return the documentation of a policy; empty when there is no such policy any more."""
    try:
        return reverse("docs:page", args=("policies", definition(policy).name))
    except ConfigFault:
        return ""


def _step(step: dict[str, Any]) -> StepView:
    saw = step["saw"]
    return StepView(
        title=policy_title(step["policy"]),
        docs=policy_page(step["policy"]),
        on_answer=step["phase"].startswith("response"),
        on_body=step["phase"] in (Phase.REQUEST_BODY, Phase.RESPONSE_BODY),
        outcome=step["outcome"],
        words=OUTCOMES.get(step["outcome"], step["outcome"]),
        code=step["code"],
        took=step["took_us"] / 1000,
        saw=None if saw is None else [tuple(pair) for pair in saw],
    )


def _bars(trace: Trace) -> list[Bar]:
    """Return the waterfall: the whole request, each policy, each attempt, and the answer on its way to the caller."""
    whole = max(trace.duration_us, 1)
    steps, attempts = trace.detail.get("steps", []), trace.detail.get("attempts", [])
    if not steps and not attempts:
        return []
    bars = [_bar("Client", "client", 0, whole, whole, f"{trace.method} {trace.path}")]
    before = [step for step in steps if not step["phase"].startswith("response")]
    after = [step for step in steps if step["phase"].startswith("response")]
    bars += [_policy_bar(step, whole) for step in before if step["outcome"] != Outcome.NOT_BOUND]
    for number, attempt in enumerate(attempts):
        title = "Service" if not number else f"Service, attempt {number + 1}"
        note = f"{attempt['target']} · {attempt['status'] or attempt['code']}"
        bars.append(_bar(title, "service", attempt["at_us"], attempt["took_us"], whole, note))
    bars += [_policy_bar(step, whole) for step in after if step["outcome"] != Outcome.NOT_BOUND]
    ends = [each["at_us"] + each["took_us"] for each in (*steps, *attempts)]
    last = min(max(ends), whole)
    bars.append(_bar("Answer", "answer", last, whole - last, whole, str(trace.status or "none")))
    return bars


def _policy_bar(step: dict[str, Any], whole: int) -> Bar:
    kind = "refused" if step["outcome"] in (Outcome.REFUSED, Outcome.FAILED) else "policy"
    note = OUTCOMES.get(step["outcome"], step["outcome"])
    return _bar(policy_title(step["policy"]), kind, step["at_us"], step["took_us"], whole, note)


def _bar(title: str, kind: str, at: int, took: int, whole: int, note: str) -> Bar:
    start = min(at * LINE // whole, LINE - 4)
    width = max(4, min(took * LINE // whole, LINE - start))
    return Bar(title, kind, at / 1000, took / 1000, start, width, note)


def _curl(trace: Trace, scheme: str) -> str:
    """Return a command that asks the same again, with a place for each value that is secret."""
    steps = trace.detail.get("steps", [])
    if not trace.method:
        return ""
    # Only what is not to be seen by the service is lost: the address is that of the gateway.
    query = "&".join(f"{name}={_placed(name, value)}" for name, value in trace.detail.get("query", []))
    url = f"{scheme}://{trace.host}{trace.path}{'?' + query if query else ''}"
    words = ["curl", "-i", *(["-X", trace.method] if trace.method != "GET" else []), shlex.quote(url)]
    for name, value in (steps[0]["saw"] or []) if steps else []:
        if name not in ("host", "user-agent", "accept"):
            words += ["-H", shlex.quote(f"{name}: {_placed(name, value)}")]
    return " ".join(words)


def _placed(name: str, value: str) -> str:
    return f"<{name}>" if value == MASK else value


def shadow_traces(instance: ApiInstance) -> bool:
    """Tell whether there are traces of calls that a policy in shadow mode would have refused."""
    return Trace.objects.filter(instance=str(instance.pk)).exclude(would_refuse="").exists()
