"""Signing in and out, registering, and the pages about one's own account."""

from typing import Any

from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import LoginView, LogoutView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from portal.accounts.current import current_user
from portal.accounts.forms import (
    ApiTokenForm,
    ChangePasswordForm,
    ChoosePasswordForm,
    NameForm,
    SignInForm,
    SignUpForm,
)
from portal.accounts.limits import attempt_allowed
from portal.accounts.models import ApiToken
from portal.accounts.oidc_sign_out import provider_sign_out_url
from portal.accounts.selectors import account_events_of, invited_user
from portal.accounts.services import (
    api_token_create,
    api_token_revoke,
    password_change,
    user_create,
    user_rename,
)
from portal.accounts.tables import ApiTokenTable
from portal.core.commands import call
from portal.core.errors import ApplicationError
from portal.core.views import ListPage

LOCAL_BACKEND = "django.contrib.auth.backends.ModelBackend"
HOUR = 3600

guarded = method_decorator([sensitive_post_parameters("password", "current"), never_cache], name="dispatch")


class SignIn(LoginView):
    """E-mail address and password, or single sign-on when a provider is configured."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the name of the sign-on provider."""
        provider = settings.OIDC_PROVIDER_NAME if settings.OIDC_ENABLED else ""
        return super().get_context_data(title="Sign in", sign_on_provider=provider, **kwargs)


class SignOut(LogoutView):
    """Ends the session, also that at a sign-on provider; only by POST."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out here, then lead to the provider where the person came from one."""
        provider_url = provider_sign_out_url(request)
        response = super().post(request, *args, **kwargs)
        if not provider_url:
            return response
        context = {
            "title": "Signed out",
            "provider_url": provider_url,
            "sign_on_provider": settings.OIDC_PROVIDER_NAME,
        }
        return render(request, "accounts/signed_out.html", context)


def locked_out(request: HttpRequest, original: HttpResponse | None, credentials: Any = None) -> HttpResponse:
    """Answer somebody who tried too many passwords. Known and unknown addresses get the same page."""
    cool_off = get_cool_off(request)
    seconds = int(cool_off.total_seconds()) if cool_off else HOUR
    context = {"title": "Too many attempts", "minutes": max(1, round(seconds / 60))}
    response = render(request, "accounts/locked_out.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


class ServiceFormView(FormView):
    """A form whose values go to a service; the service's sentences come back beside the fields."""

    title = ""
    submit_label = "Save"

    def form_valid(self, form: Any) -> HttpResponse:
        """Call the service."""
        try:
            return self.act(form)
        except ApplicationError as error:
            form.add_application_error(error)
            return self.form_invalid(form, status=error.status if error.status != 400 else 422)

    def form_invalid(self, form: Any, status: int = 422) -> HttpResponse:
        """Show the form again with its errors."""
        return self.render_to_response(self.get_context_data(form=form), status=status)

    def act(self, form: Any) -> HttpResponse:
        """Do what the form is for and answer."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the page's names."""
        return super().get_context_data(title=self.title, submit_label=self.submit_label, **kwargs)


@guarded
class SignUp(RedirectURLMixin, ServiceFormView):
    """A stranger registers for the developer hub and is signed in afterwards."""

    template_name = "accounts/sign_up.html"
    form_class = SignUpForm
    title = "Create your account"
    submit_label = "Create account"
    next_page = settings.LOGIN_REDIRECT_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send on who is already signed in."""
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Keep where the person came from through the form."""
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)

    def act(self, form: SignUpForm) -> HttpResponse:
        """Register and sign in."""
        if not attempt_allowed(self.request, "sign-up", limit=settings.SIGN_UPS_PER_HOUR, seconds=HOUR):
            raise ApplicationError(
                "too_many_sign_ups",
                "Too many accounts were made from your network. Try again in an hour.",
                status=429,
            )
        user = user_create(**form.cleaned_data)
        login(self.request, user, backend=LOCAL_BACKEND)
        return redirect(self.get_success_url())


@guarded
class ChoosePassword(ServiceFormView):
    """An invited person chooses a password by the link they were given, and is signed in."""

    template_name = "accounts/choose_password.html"
    form_class = ChoosePasswordForm
    title = "Choose your password"
    submit_label = "Save and sign in"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the link."""
        self.user = invited_user(kwargs["user"])
        if self.user is None or not default_token_generator.check_token(self.user, kwargs["token"]):
            return render(request, "accounts/invitation_used.html", {"title": "This link does not work"}, status=410)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say whose password it is."""
        return super().get_context_data(invited=self.user, **kwargs)

    def act(self, form: ChoosePasswordForm) -> HttpResponse:
        """Save the password and sign in."""
        assert self.user is not None
        password_change(user=self.user, actor=self.user, password=form.cleaned_data["password"])
        login(self.request, self.user, backend=LOCAL_BACKEND)
        return redirect(resolve_url(settings.LOGIN_REDIRECT_URL))


class Account(LoginRequiredMixin, ServiceFormView):
    """One's own name, credentials and latest doings."""

    template_name = "accounts/account.html"
    form_class = NameForm
    title = "Your account"
    success_url = reverse_lazy("accounts:profile")

    def get_initial(self) -> dict[str, Any]:
        """Start with the present name."""
        return {"name": current_user(self.request).name}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the latest events."""
        return super().get_context_data(events=account_events_of(current_user(self.request))[:10], **kwargs)

    def act(self, form: NameForm) -> HttpResponse:
        """Save the name."""
        user = current_user(self.request)
        user_rename(user=user, actor=user, name=form.cleaned_data["name"])
        messages.success(self.request, "Saved.")
        return redirect(self.get_success_url())


@guarded
class ChangePassword(LoginRequiredMixin, ServiceFormView):
    """A new password. Sessions in other browsers end, this one goes on."""

    template_name = "accounts/form.html"
    form_class = ChangePasswordForm
    title = "Change password"
    submit_label = "Change password"

    def act(self, form: ChangePasswordForm) -> HttpResponse:
        """Save the password."""
        user = current_user(self.request)
        password_change(user=user, actor=user, keep=self.request.session.session_key, **form.cleaned_data)
        update_session_auth_hash(self.request, user)
        messages.success(self.request, "Your password is changed. Other browsers are signed out.")
        return redirect("accounts:profile")


class ApiTokens(ListPage):
    """One's own API tokens."""

    template_name = "accounts/api_tokens.html"
    queryset = ApiToken.objects
    table = ApiTokenTable
    search_fields = ("name", "hint")
    title = "API tokens"


@guarded
class ApiTokenCreate(LoginRequiredMixin, ServiceFormView):
    """Makes a token and shows it on the answer to the form: it is stored nowhere, not even in the session."""

    template_name = "accounts/api_token_create.html"
    form_class = ApiTokenForm
    title = "New API token"
    submit_label = "Create token"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the call by which a pipeline that has a token makes another one."""
        return super().get_context_data(
            commands=[call("POST", "/api-tokens/", {"name": "YOUR_NAME", "permissions": None})], **kwargs
        )

    def act(self, form: ApiTokenForm) -> HttpResponse:
        """Make the token and show it."""
        user = current_user(self.request)
        made = api_token_create(
            user=user, actor=user, name=form.cleaned_data["name"], expires_at=form.expires_at(),
            permissions=form.granted(),
        )  # fmt: skip
        context = {
            "title": f"Your new API token “{made.token.name}”",
            "entries": [("PORTICO_TOKEN", made.secret)],
            "command": f'curl -H "Authorization: Bearer {made.secret}" {settings.PORTAL_URL}/api/v1/me/',
        }
        return render(self.request, "accounts/api_token_created.html", context)


class ApiTokenRevoke(LoginRequiredMixin, View):
    """Ends one of one's own tokens."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Revoke it."""
        token = get_object_or_404(ApiToken.objects.visible_to(request.user), pk=pk)
        api_token_revoke(token=token, actor=current_user(request))
        messages.success(request, f"The token “{token.name}” is revoked. Calls with it are refused from now on.")
        return redirect("accounts:tokens")
