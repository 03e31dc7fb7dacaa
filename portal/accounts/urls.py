"""Addresses of sign-in, registration and the account pages."""

from django.conf import settings
from django.urls import path

from portal.accounts import password_reset_views, session_views, views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("sign-out/", views.SignOut.as_view(), name="sign_out"),
    path("sign-up/", views.SignUp.as_view(), name="sign_up"),
    path("invitation/<uuid:user>/<str:token>/", views.ChoosePassword.as_view(), name="choose_password"),
    path("forgotten-password/", password_reset_views.ForgottenPassword.as_view(), name="forgotten_password"),
    path(
        "password-reset/<uuid:user>/<str:token>/", password_reset_views.PasswordReset.as_view(), name="password_reset"
    ),
    path("account/", views.Account.as_view(), name="profile"),
    path("account/password/", views.ChangePassword.as_view(), name="change_password"),
    path("account/sessions/", session_views.Sessions.as_view(), name="sessions"),
    path("account/sessions/end-others/", session_views.OtherSessionsEnd.as_view(), name="sessions_end"),
    path("account/sessions/<uuid:pk>/end/", session_views.SessionEnd.as_view(), name="session_end"),
    path("account/api-tokens/", views.ApiTokens.as_view(), name="tokens"),
    path("account/api-tokens/new/", views.ApiTokenCreate.as_view(), name="token_create"),
    path("account/api-tokens/<uuid:pk>/revoke/", views.ApiTokenRevoke.as_view(), name="token_revoke"),
]

if settings.OIDC_ENABLED:
    from portal.accounts.oidc_views import SignOn, SignOnCallback

    urlpatterns += [
        path("sign-on/", SignOn.as_view(), name="sign_on"),
        path("sign-on/callback/", SignOnCallback.as_view(), name="sign_on_callback"),
    ]
