"""The site's settings, on a cluster of its own below BILLINGADMIN_DATA, with the two made-up rooms and no other."""

import os

os.environ |= {"BILLINGADMIN_CLUSTER": "site", "BILLINGADMIN_WRITERS": "1"}

from billingadmin.settings import *  # noqa: F403
from billingadmin.settings import INSTALLED_APPS, configured, embedded, engines

BILLING_SYSTEMS = ["proofs.crashing.granary", "proofs.crashing.cellar"]
INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("systems.")]
ENGINES = engines(BILLING_SYSTEMS)
DATABASES = configured(embedded.environment(ENGINES), list(ENGINES))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
