"""The site's settings on a cluster of their own, which may be lost at any time; a real database is never touched."""

import os

for name in [name for name in os.environ if name.endswith(("DATABASE_URL", "DATABASE_OWNER_URL"))]:
    del os.environ[name]
os.environ |= {"BILLINGADMIN_CLUSTER": "test", "BILLINGADMIN_WRITERS": "1", "SECRET_KEY": "tests"}

from billingadmin.postgres import roles  # noqa: E402
from billingadmin.settings import *  # noqa: E402, F403
from billingadmin.settings import BILLING_SYSTEMS, INSTALLED_APPS, STORAGES, configured, embedded, engines  # noqa: E402

MADE_UP = "systems.tests.paperclips"
BILLING_SYSTEMS = [*BILLING_SYSTEMS, MADE_UP]
INSTALLED_APPS = [*INSTALLED_APPS, MADE_UP]
ENGINES = engines(BILLING_SYSTEMS)
DATABASES = configured({**embedded.environment(ENGINES), **os.environ}, list(ENGINES))

CLUSTER = embedded.hold("test")  # while this process lives
roles.prepare("test", ENGINES)

for alias, database in DATABASES.items():
    if database["ENGINE"].endswith("sqlite3") and alias.endswith("_writer"):
        database["TEST"]["NAME"] = str(embedded.data_folder() / "test" / f"test_{alias}.sqlite3")

DURABLE_COMMITS_ONLY = False  # this cluster is in haste
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True  # nothing is collected
