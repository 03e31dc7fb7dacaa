"""Settings of the portal. Everything that differs between machines comes from the environment, strictly parsed."""

import os
from pathlib import Path

from csp.constants import NONCE, SELF

from portal.env import database_from_url, env_bool, env_int, env_list, env_path, env_secret, env_str, redis_url
from portal.start_refusals import refuse_unsafe_start

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = env_path("PORTICO_HOME", BASE_DIR / "var")

DEBUG = env_bool("PORTICO_DEBUG", default=False)
SECRET_KEY = env_secret("PORTICO_SECRET_KEY", default_file=HOME / "secrets" / "secret_key")
# Newest first; secrets at rest are written with the first and read with any.
KEY_RING = env_secret("PORTICO_KEY_RING", default_file=HOME / "secrets" / "key_ring").split()
ALLOWED_HOSTS = env_list("PORTICO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# What people and gateways use to reach us; absolute links are made from it, never from a request's Host.
PORTAL_PORT = env_int("PORTICO_PORTAL_PORT", default=8000, minimum=1, maximum=65535)
PORTAL_URL = env_str("PORTICO_PORTAL_URL", default=f"http://localhost:{PORTAL_PORT}")
GATEWAY_PORT = env_int("PORTICO_GATEWAY_PORT", default=8080, minimum=1, maximum=65535)
GATEWAY_ADMIN = env_str("PORTICO_GATEWAY_ADMIN", default="127.0.0.1:9998")
# Where the portal and browsers reach a gateway's listeners when the gateway does not say otherwise.
GATEWAY_HOST = env_str("PORTICO_GATEWAY_HOST", default="localhost")
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]
# Lets a specification be imported from an address on loopback or a private network.
ALLOW_PRIVATE_IMPORT = env_bool("PORTICO_ALLOW_PRIVATE_IMPORT", default=False)
# Lets notices of alerts be posted to such an address.
ALLOW_PRIVATE_WEBHOOKS = env_bool("PORTICO_ALLOW_PRIVATE_WEBHOOKS", default=False)

# Specifications are checked in Python: the faster checker, which is there for the gateway, does not say what is wrong
# and where in a way that can be told to people.
os.environ["OPENAPI_SPEC_VALIDATOR_SCHEMA_VALIDATOR_BACKEND"] = "jsonschema"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mozilla_django_oidc",
    "rest_framework",
    "portal.core",
    "portal.audit",
    "portal.accounts",
    "portal.organizations",
    "portal.catalog",
    "portal.gateways",
    "portal.apis",
    "portal.contracts",
    "portal.policies",
    "portal.publishing",
    "portal.transfers",
    "portal.traces",
    "portal.analytics",
    "portal.alerts",
    "portal.landscape",
    "portal.hub",
    "portal.docs",
    "portal.demo",
]

MIDDLEWARE = [
    "portal.core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.accounts.middleware.SeenMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.core.remarks.RemarksMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.organizations.middleware.EnvironmentMiddleware",
    "portal.core.middleware.ApplicationErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "portal.organizations.context.console",
            ],
            "builtins": ["django.templatetags.static", "portal.core.templatetags.ui"],
            "libraries": {"django_htmx": "django_htmx.templatetags.django_htmx"},
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"]),
            ],
        },
    }
]

DATABASES = {"default": database_from_url("DATABASE_URL", default=f"sqlite:///{HOME / 'portico.sqlite3'}")}
REDIS_URL = redis_url("REDIS_URL", default_file=HOME / "redis.url")
# The same Redis as gateways on other machines reach it.
GATEWAY_REDIS_URL = redis_url("PORTICO_GATEWAY_REDIS_URL", default=REDIS_URL)
refuse_unsafe_start(
    debug=DEBUG, portal_url=PORTAL_URL, secret_key=SECRET_KEY, key_ring=KEY_RING,
    redis={"REDIS_URL": REDIS_URL, "PORTICO_GATEWAY_REDIS_URL": GATEWAY_REDIS_URL},
    allow_plain_redis=env_bool("PORTICO_ALLOW_PLAIN_REDIS", default=False),
)  # fmt: skip
# Whether each gateway has a user of its own there. Without, it has the access of GATEWAY_REDIS_URL.
REDIS_ACL = env_bool("PORTICO_REDIS_ACL", default=True)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "portico:cache",
    }
}

# --- People -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
ROLE_RESOLVER = "portal.organizations.holding.scope_of"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
SESSION_ENGINE = "portal.accounts.session_store"
SESSION_COOKIE_NAME = "portico_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PORTAL_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
AXES_FAILURE_LIMIT = env_int("PORTICO_SIGN_IN_ATTEMPTS", default=8, minimum=1, maximum=1000)
AXES_HANDLER = "portal.accounts.lock_out.GrowingLockOut"
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_CALLABLE = "portal.accounts.views.locked_out"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Lets the handler know of attempts during a lock-out: they are not counted.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
PASSWORD_RESETS_PER_HOUR = env_int("PORTICO_PASSWORD_RESETS_PER_HOUR", default=20, minimum=1)
SIGN_UPS_PER_HOUR = env_int("PORTICO_SIGN_UPS_PER_HOUR", default=20, minimum=1)

# Single sign-on is on when a provider is configured.
OIDC_ENABLED = bool(env_str("PORTICO_OIDC_ISSUER", default=""))
if OIDC_ENABLED:
    from portal.accounts.oidc_settings import *  # noqa: F403

    AUTHENTICATION_BACKENDS.append("portal.accounts.oidc.SingleSignOnBackend")

# --- Security ---------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": ["'none'"],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

# --- Static files -----------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "portal.core.packages.PackageFinder",
]
NODE_MODULES = BASE_DIR / "node_modules"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.core.static_files.ConsoleStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
# Without collected files (tests, development) the finders serve them.
WHITENOISE_USE_FINDERS = True

# --- Language and time ------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_FROM_EMAIL = env_str("PORTICO_EMAIL_FROM", default="Portico <portico@localhost>")
EMAIL_TIMEOUT = 10
EMAIL_HOST = env_str("PORTICO_EMAIL_HOST", default="")
EMAIL_PORT = env_int("PORTICO_EMAIL_PORT", default=587, minimum=1, maximum=65_535)
EMAIL_USE_TLS = env_bool("PORTICO_EMAIL_STARTTLS", default=True)
EMAIL_HOST_USER = env_str("PORTICO_EMAIL_USER", default="")
EMAIL_HOST_PASSWORD = env_secret("PORTICO_EMAIL_PASSWORD", default="")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "portal.core.log_mail.EmailBackend"

# --- REST -------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.accounts.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "portal.accounts.scopes.WithinScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portal.core.pagination.Pagination",
    "DEFAULT_SCHEMA_CLASS": "portal.core.schema.PortalSchema",
    "EXCEPTION_HANDLER": "portal.core.api.error_response",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Portico",
    "DESCRIPTION": "Everything the console does, for pipelines. Make a token under *Account → API tokens*.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Fields of one name whose values differ.
    "ENUM_NAME_OVERRIDES": {
        "KindEnum": "portal.organizations.models.EnvironmentKind",
        "TraceKindEnum": "portal.traces.models.TraceKind",
        "NoticeReasonEnum": "portal.alerts.models.NoticeReason",
        "ReasonEnum": "portal.publishing.models.HoldReason",
        "RolloutKindEnum": "portal.publishing.models.RolloutKind",
        "RolloutStateEnum": "portal.publishing.models.RolloutState",
        "ApiTokenStateEnum": ["active", "expired", "revoked"],
        "BulkStateEnum": ["changed", "unchanged", "refused"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Jobs -------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "portico"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A publish is redone by the sweep long before this; it only bounds how long a lost message waits.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "socket_timeout": 10, "socket_connect_timeout": 3}
# Traffic by minute, by quarter of an hour, and by day. The map of APIs reads seven days by minute.
KEEP_TRAFFIC_DAYS = (
    env_int("PORTICO_KEEP_MINUTES_DAYS", default=8, minimum=8),
    env_int("PORTICO_KEEP_QUARTERS_DAYS", default=35, minimum=8),
    env_int("PORTICO_KEEP_DAILY_DAYS", default=400, minimum=91),
)

CELERY_BEAT_SCHEDULE = {
    "publish-what-is-waiting": {"task": "publishing.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "collect-replica-reports": {"task": "publishing.collect", "schedule": 4.0, "options": {"expires": 4}},
    "judge-staged-changes": {"task": "publishing.judge", "schedule": 2.0, "options": {"expires": 2}},
    "keep-gateway-access": {"task": "gateways.keep_access", "schedule": 3.0, "options": {"expires": 3}},
    "ingest-traffic": {"task": "analytics.ingest", "schedule": 2.0, "options": {"expires": 2}},
    "forget-traffic": {"task": "analytics.forget", "schedule": 300.0, "options": {"expires": 300}},
    "ingest-traces": {"task": "traces.ingest", "schedule": 2.0, "options": {"expires": 2}},
    "expire-traces": {"task": "traces.expire", "schedule": 30.0, "options": {"expires": 30}},
    "judge-alerts": {"task": "alerts.evaluate", "schedule": 10.0, "options": {"expires": 10}},
    "send-notices": {"task": "alerts.deliver", "schedule": 3.0, "options": {"expires": 3}},
    "forget-notices": {"task": "alerts.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "forget-sessions": {"task": "accounts.forget_sessions", "schedule": 3600.0, "options": {"expires": 3600}},
    "forget-undo": {"task": "audit.forget_undo", "schedule": 300.0, "options": {"expires": 300}},
    "seal-audit-events": {"task": "audit.seal", "schedule": 60.0, "options": {"expires": 60}},
    "verify-audit-log": {"task": "audit.verify", "schedule": 21_600.0, "options": {"expires": 600}},
    "expire-old-secrets": {"task": "contracts.expire_credentials", "schedule": 30.0, "options": {"expires": 30}},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "@timestamp", "levelname": "log.level", "name": "log.logger"},
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env_str("PORTICO_LOG_LEVEL", default="INFO")},
    "loggers": {"django.request": {"level": "ERROR"}, "axes": {"level": "WARNING"}, "httpx2": {"level": "WARNING"}},
}
