"""Settings and fixtures of the portal's unit tests. They need no Redis and no collected static files."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from portal.celery import app as celery
from portal.core.tasks import send_mail
from tests.portal.base import World, client_of, make_world

UNIT_TEST_SETTINGS = {
    "REDIS_ACL": False,
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    # Argon2 is slow by design; the tests about passwords ask for it themselves.
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "STORAGES": {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
}


@pytest.fixture(scope="package", autouse=True)
def _unit_test_settings() -> Iterator[None]:
    """Keep caches, files and jobs inside this process: a task that is sent waits in memory and is never run."""
    broker = celery.conf.broker_url
    celery.conf.broker_url = "memory://"
    with override_settings(**UNIT_TEST_SETTINGS):
        yield
    celery.conf.broker_url = broker


@pytest.fixture(autouse=True)
def _empty_cache(_unit_test_settings: None) -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _mail_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send mail where a job would."""
    monkeypatch.setattr(send_mail, "apply_async", lambda args, **options: send_mail.apply(args=args))


@pytest.fixture
def world(db: None) -> World:
    """Two organizations with their people (see `tests.portal.base`)."""
    return make_world()


@pytest.fixture
def ada_client(world: World) -> Client:
    """A browser in which the owner is signed in."""
    return client_of(world.ada)


@pytest.fixture
def ben_client(world: World) -> Client:
    """A browser in which the viewer is signed in."""
    return client_of(world.ben)


@pytest.fixture
def cora_client(world: World) -> Client:
    """A browser in which the developer without a role is signed in."""
    return client_of(world.cora)
