"""Settings of the test run: loaded as a pytest plugin before Django is, so that no test touches a real home."""

import os
import tempfile

_home = tempfile.mkdtemp(prefix="portico-tests-")
os.mkdir(os.path.join(_home, "static"))

os.environ.update(
    PORTICO_HOME=_home,
    PORTICO_SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789",
    PORTICO_KEY_RING="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
)
# The portal's tests can be run on another database than SQLite.
_database = os.environ.get("PORTICO_TEST_DATABASE_URL")
for name in ("DATABASE_URL", "REDIS_URL", "PORTICO_OIDC_ISSUER"):
    os.environ.pop(name, None)
if _database:
    os.environ["DATABASE_URL"] = _database
