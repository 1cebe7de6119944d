"""Settings of the crash test: the product's, with the guest app's transport that takes no idempotency key."""

from crm.settings import *  # noqa: F403
from crm.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.guest"]
