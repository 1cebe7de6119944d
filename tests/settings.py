"""Settings of the tests: the product's, with a database of its own and no hashed file names."""

import os
import tempfile

os.environ.setdefault("DEALWRIGHT_VAR", tempfile.mkdtemp(prefix="dealwright-test-"))

# Each test process has a Redis database of its own: clearing the cache of one must not empty the other's.
if os.environ.get("REDIS_URL"):
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{own}"

from crm.settings import *  # noqa: F403
from crm.settings import CACHES, DATABASES, INSTALLED_APPS, REDIS_URL, STORAGES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.guest"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# Argon2 takes a tenth of a second on purpose; a hundred logins need it not.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if not REDIS_URL:
    # The product's shared cache is a table; tests without a database may not clear it.
    CACHES = {**CACHES, "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "shared"}}
WHITENOISE_AUTOREFRESH = True
FORM_LIMIT_PER_ADDRESS = 10
# An endless mail takes as long as it may; here that is short.
MAIL_READ_SECONDS = 2
if DATABASES["default"]["ENGINE"] == "crm.ground.sqlite":
    DATABASES["default"]["TEST"] = {"NAME": ":memory:"}
# The mail servers of the tests stand on this machine.
INSIDE_MAIL_HOSTS = ["127.0.0.1"]
