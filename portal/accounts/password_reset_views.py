"""The two pages of a lost password: asking for the mail, and choosing a new one by its link."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from kombu.exceptions import OperationalError

from portal.accounts.forms import ChoosePasswordForm, ForgottenPasswordForm
from portal.accounts.limits import attempt_allowed
from portal.accounts.password_reset import LASTS, password_reset, resettable_user
from portal.accounts.tasks import mail_password_reset
from portal.accounts.views import HOUR, ServiceFormView, guarded
from portal.core.errors import ApplicationError
from portal.core.request_id import current_request_id


@guarded
class ForgottenPassword(ServiceFormView):
    """Asks for a mail. Known and unknown addresses get the same answer."""

    template_name = "accounts/forgotten_password.html"
    form_class = ForgottenPasswordForm
    title = "Forgotten your password?"
    submit_label = "Send the mail"

    def act(self, form: ForgottenPasswordForm) -> HttpResponse:
        """Leave the address to a job."""
        if not attempt_allowed(self.request, "reset", limit=settings.PASSWORD_RESETS_PER_HOUR, seconds=HOUR):
            raise ApplicationError(
                "too_many_resets", "Too many mails were asked for from your network. Try again in an hour.", status=429
            )
        email = form.cleaned_data["email"]
        try:
            mail_password_reset.apply_async(
                args=[email, current_request_id()], argsrepr="(an address)", retry=False, ignore_result=True
            )
        except OperationalError as error:
            raise ApplicationError("mail_not_sent", "No mail can be sent now. Try again later.", status=503) from error
        context = {"title": "Look into your mail", "email": email, "minutes": int(LASTS.total_seconds() // 60)}
        return render(self.request, "accounts/reset_mail_sent.html", context)


@guarded
class PasswordReset(ServiceFormView):
    """Chooses a new password. It does not sign in: for that, the new password has to be typed."""

    template_name = "accounts/password_reset.html"
    form_class = ChoosePasswordForm
    title = "Choose a new password"
    submit_label = "Save password"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the link."""
        self.user = resettable_user(kwargs["user"], kwargs["token"])
        if self.user is None:
            return self.used()
        return super().dispatch(request, *args, **kwargs)

    def used(self) -> HttpResponse:
        """Say that the link does not work."""
        return render(self.request, "accounts/reset_used.html", {"title": "This link does not work"}, status=410)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say whose password it is."""
        return super().get_context_data(person=self.user, **kwargs)

    def act(self, form: ChoosePasswordForm) -> HttpResponse:
        """Save the password."""
        try:
            password_reset(
                user_id=self.kwargs["user"], token=self.kwargs["token"], password=form.cleaned_data["password"]
            )
        except ApplicationError as error:
            if error.status == 410:
                return self.used()
            raise
        messages.success(self.request, "Your password is changed, and all browsers are signed out. Sign in with it.")
        return redirect("accounts:sign_in")
