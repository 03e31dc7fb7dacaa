"""Settings of single sign-on by OpenID Connect, read when `PORTICO_OIDC_ISSUER` is set.

The provider's endpoints are found by its discovery document at first use; `PORTICO_OIDC_…_ENDPOINT` replaces that for
a provider without one.
"""

from portal.env import EnvError, env_bool, env_secret, env_str

# Compared as it is, to the last slash, with the issuer that the provider's tokens name.
OIDC_ISSUER = env_str("PORTICO_OIDC_ISSUER")
if not OIDC_ISSUER.startswith(("https://", "http://")):
    raise EnvError("PORTICO_OIDC_ISSUER is not a usable URL. Use one that begins with https://.")
# Shown on the sign-in page: “Continue with …”.
OIDC_PROVIDER_NAME = env_str("PORTICO_OIDC_NAME", default="single sign-on")
OIDC_RP_CLIENT_ID = env_str("PORTICO_OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env_secret("PORTICO_OIDC_CLIENT_SECRET")
OIDC_RP_SCOPES = env_str("PORTICO_OIDC_SCOPES", default="openid email profile")
# The claim that names a person's groups, which decide about teams; empty: groups say nothing.
OIDC_GROUPS_CLAIM = env_str("PORTICO_OIDC_GROUPS_CLAIM", default="")
OIDC_ALGORITHMS = ("RS256", "ES256")
# For a provider that checks addresses but does not say so in `email_verified`.
OIDC_TRUST_EMAIL = env_bool("PORTICO_OIDC_TRUST_EMAIL", default=False)
OIDC_ENDPOINTS = {
    name: env_str(f"PORTICO_OIDC_{name.upper()}_ENDPOINT", default="")
    for name in ("authorization", "token", "userinfo", "jwks")
}
OIDC_USE_PKCE = True
# Told to the provider at sign-out, see `oidc_sign_out`.
OIDC_STORE_ID_TOKEN = True
OIDC_TIMEOUT = 5
OIDC_AUTHENTICATION_CALLBACK_URL = "accounts:sign_on_callback"
# A failed single sign-on is not a guessed password: it must not lock others out.
AXES_WHITELIST_CALLABLE = "portal.accounts.oidc.is_sign_on"
