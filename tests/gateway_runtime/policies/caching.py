"""The policy “http-caching” between callers and a backend."""

from typing import Any

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "http-caching"


class Front:
    """Callers, the policy and a backend that counts how often it is asked."""

    def __init__(self, case: PolicyCase | None = None, **config: Any) -> None:
        self.case = case or policy_case(NAME, config)
        self.asked = 0
        self.contexts: list[RequestContext] = []

    def get(
        self,
        path: str = "/a",
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        answer: dict[str, str] | None = None,
        status: int = 200,
        body: bytes = b"body",
        pieces: int = 1,
        whole: bool = True,
        sent: bytes = b"",
        **more: Any,
    ) -> Response | None:
        """Return what is given from the cache; else let the backend answer and return None."""
        context = request(method, path, {"host": "shop.example", **(headers or {})}, body=sent)
        for name, value in more.items():
            if name == "note":
                context.note(value, True)
            else:
                setattr(context, name, value)
        self.contexts.append(context)
        found = self.case.send(context)
        if found is not None:
            return found
        self.asked += 1
        self.respond(context, answer, status, body, pieces, whole=whole)
        return None

    def respond(
        self,
        context: RequestContext,
        answer: dict[str, str] | None = None,
        status: int = 200,
        body: bytes = b"body",
        pieces: int = 1,
        *,
        whole: bool = True,
    ) -> None:
        self.case.answer(context, answer, status)
        filters, context.response_filters = context.response_filters or [], None
        for each in filters:
            assert each.keeps_length
            size = max(1, len(body) // pieces)
            passed = [each.feed(body[at : at + size]) for at in range(0, len(body), size)]
            assert b"".join(passed) == body
            if whole:
                assert each.finish() == b""

    def kept(self, *arguments: Any, **more: Any) -> bool:
        """Ask twice, and tell whether the second time the backend was not asked."""
        self.get(*arguments, **more)
        return self.get(*arguments, **more) is not None
