"""The console's first page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core import checklist
from portal.core.views import ConsoleView


class ConsoleHome(ConsoleView):
    """First steps that tick themselves, and what runs in this environment."""

    template_name = "home/console.html"
    permission = "environment.view"
    title = "Home"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the checklist alone when it asks for itself, else the page."""
        steps = checklist.states(self.environment)
        done = sum(state.done for state in steps)
        context: dict[str, Any] = {"steps": steps, "done_count": done, "complete": done == len(steps)}
        if getattr(request, "htmx", False) and request.GET.get("part") == "checklist":
            return render(request, "home/checklist.html", {"view": self, **context})
        return self.page(**context)
