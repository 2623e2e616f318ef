"""Every setting, from the environment, with defaults that work on a fresh machine."""

import hashlib
import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from billingadmin import single_sign_on
from billingadmin.databases import configured, engines
from billingadmin.environment import envbool, envint, envlist, envsecret, envstr
from billingadmin.postgres import embedded

BASE_DIR = Path(__file__).resolve().parent.parent

# The one list of the rooms: a system more is a folder in systems/ and a word here.
BILLING_SYSTEMS = ["imagegen"]

# Databases -----------------------------------------------------------------------------------------------------------

ENGINES = engines(BILLING_SYSTEMS)
EMBEDDED = not envstr("DATABASE_URL")
DATABASES = configured({**embedded.environment(ENGINES), **os.environ}, list(ENGINES))
DATABASE_ROUTERS = ["billingadmin.databases.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DURABLE_COMMITS_ONLY = True  # no money through a database that may forget what it acknowledged; off for tests alone

# Shown on every page, so that nobody takes the demo for the real thing.
DEMO = embedded.wants_demo()  # nothing real is connected: all there is is invented
ENVIRONMENT = envstr("ENVIRONMENT", "demo" if DEMO else "production")

# Shared by all processes, so that a limit on tries is one limit.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "billingadmin_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # beyond it, what is counted would be forgotten at random
    }
}

# Heads of the audit log are noted in this file, outside of the database: best shipped to another machine as well.
AUDIT_ANCHOR_FILE = envstr("AUDIT_ANCHOR_FILE", embedded.anchor_file() if EMBEDDED else "")

# Secrets and the network ---------------------------------------------------------------------------------------------

DEBUG = envbool("DEBUG")
SECRET_KEY = envsecret("SECRET_KEY")
if not SECRET_KEY:
    if not (DEBUG or EMBEDDED):
        raise ImproperlyConfigured("DATABASE_URL is set, so set SECRET_KEY (or SECRET_KEY_FILE) as well.")
    SECRET_KEY = embedded.derived("django")

ALLOWED_HOSTS = envlist("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = envlist("CSRF_TRUSTED_ORIGINS")
HTTPS = envbool("HTTPS")  # the console is reached by https only, through a proxy that says X-Forwarded-Proto
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = envint("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = envint("SESSION_HOURS", 12) * 3600
SESSION_COOKIE_NAME = "billingadmin_session"
CSRF_COOKIE_NAME = "billingadmin_csrf"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "billingadmin.errors.csrf_failure"

SOCIALACCOUNT_PROVIDERS = single_sign_on.providers()
SOCIALACCOUNT_ADAPTER = "accounts.directory.Adapter"
OIDC_GROUP_ROLES = envlist("OIDC_GROUP_ROLES")  # what the directory's groups mean here: group=role
OIDC_GROUPS_CLAIM = envstr("OIDC_GROUPS_CLAIM", "groups")
OIDC_EMAIL_DOMAINS = envlist("OIDC_EMAIL_DOMAIN")  # none: any the directory vouches for

SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],  # the code to scan when a second factor is set up
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'", *single_sign_on.origins(SOCIALACCOUNT_PROVIDERS)],
    "frame-ancestors": ["'none'"],
}

WEB_WORKERS, WEB_THREADS = envint("WEB_WORKERS", 2), envint("WEB_THREADS", 4)
JOB_CONCURRENCY = envint("JOB_CONCURRENCY", 2)

# Applications --------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "procrastinate.contrib.django",
    "django_htmx",
    "template_partials",
    "django_crontab",
    "accounts",
    "audit",
    "jobs",
    "anomalies",
    "adjustments",
    "health",
    "systems",
    "billingadmin",
    *(entry if "." in entry else f"systems.{entry}" for entry in BILLING_SYSTEMS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "billingadmin.csp.csp_middleware",
    "billingadmin.request_log.request_id_middleware",  # before all that may write a log line
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "billingadmin.reader.reader_middleware",  # after LocaleMiddleware, whose guess a person's own language overrules
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.AudienceMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "billingadmin.unrecorded.UnrecordedMiddleware",
]

ROOT_URLCONF = "billingadmin.urls"
WSGI_APPLICATION = "billingadmin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # template_partials puts its own loader round these
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "billingadmin.navigation.console",
            ],
            "builtins": ["template_partials.templatetags.partials"],  # as in Django 6.0
        },
    },
]

STATIC_URL = "/static/"
STATIC_ROOT = embedded.data_folder() / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Sign-in -------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.sign_in.Adapter"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # a stranger's address gets no mail from us
ALLAUTH_TRUSTED_PROXY_COUNT = envint("TRUSTED_PROXIES", 0)  # how many of X-Forwarded-For's addresses are our own
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login_failed": "20/5m/ip,5/5m/key"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "accounts.second_factor.Adapter"

EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if envstr('EMAIL_HOST') else 'console'}.EmailBackend"
EMAIL_HOST = envstr("EMAIL_HOST", "localhost")
EMAIL_PORT = envint("EMAIL_PORT", 25)
EMAIL_HOST_USER = envstr("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = envsecret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = envbool("EMAIL_USE_TLS")
EMAIL_TIMEOUT = envint("EMAIL_TIMEOUT", 20)
DEFAULT_FROM_EMAIL = envstr("DEFAULT_FROM_EMAIL", "billingadmin@localhost")
FINANCE_EMAIL = envlist("FINANCE_EMAIL")  # told of every decision, beside those who had a part in it
CONSOLE_URL = envstr("CONSOLE_URL", (CSRF_TRUSTED_ORIGINS or ["http://127.0.0.1:8000"])[0]).rstrip("/")  # for letters

# Languages and time --------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["billingadmin.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

# Jobs ----------------------------------------------------------------------------------------------------------------

_checkout = hashlib.sha256(str(BASE_DIR).encode()).hexdigest()[:8]
CRONTAB_COMMENT = f"billingadmin {_checkout}"  # two checkouts must not remove each other's lines
CRONTAB_DJANGO_MANAGE_PATH = str(BASE_DIR / "manage.py")
CRONTAB_DJANGO_SETTINGS_MODULE = "billingadmin.settings"
CRONTAB_PYTHON_EXECUTABLE = sys.executable
CRONTAB_LOCK_JOBS = False  # a JobRun and an advisory lock do it, on all machines
PROCRASTINATE_WORKER_DEFAULTS = {"concurrency": JOB_CONCURRENCY}
CRON_LOG = embedded.data_folder() / "cron.log"
CRONTAB_COMMAND_PREFIX = f"cd {BASE_DIR} && . ./.env.cron &&"
CRONTAB_COMMAND_SUFFIX = f">> {CRON_LOG} 2>&1"
CRONJOBS = SimpleLazyObject(lambda: import_string("jobs.crontab.cronjobs")())  # rooms are known when all apps are

# What the engines add to each other's screens, by dotted path, so that no import turns round --------------------------

TIMELINE_CONTRIBUTORS: tuple[str, ...] = (
    "anomalies.contributions.timeline",
    "adjustments.panels.timeline",
)
# path -> a function that counts what waits there, up to amounts.CAP + 1
NAVIGATION_COUNTS: dict[str, str] = {
    "/anomalies/": "anomalies.queue.what_waits",
    "/adjustments/": "adjustments.board.what_waits",
    "/freezes/": "adjustments.freezes.panels.what_waits",
    "/switches/": "adjustments.switches.panels.what_waits",
    "/people/": "accounts.changes.what_waits",
    "/policy/": "adjustments.policies.changes.what_waits",
}
BANNERS: tuple[str, ...] = ("adjustments.freezes.panels.banner",)  # request -> what stands above every page
BOARD_CONTRIBUTORS: tuple[str, ...] = (
    "anomalies.board.figures",
    "adjustments.board.figures",
    "adjustments.freezes.panels.figures",
    "adjustments.switches.panels.figures",
    "adjustments.policies.panels.figures",
)
ENGINE_PROBES: tuple[str, ...] = (
    "anomalies.probes.probes",
    "adjustments.freezes.panels.probes",
    "adjustments.switches.panels.probes",
    "adjustments.durability.probes",
    "adjustments.probes.probes",
    "health.trust.probes",
)
LETTER_FOOTERS: tuple[str, ...] = ("jobs.auditing.letter_footer",)  # letter -> what is added to its text as it leaves
HEALTH_PANELS: tuple[str, ...] = (
    "anomalies.pictures.health_panel",
    "adjustments.switches.panels.health_panel",
    "audit.panels.health_panel",
)
QUEUE_ACTIONS: tuple[str, ...] = ("adjustments.panels.queue_action",)  # what else is done with those that are ticked
ANOMALY_PANELS: tuple[str, ...] = ("adjustments.panels.anomaly_panel",)
HISTORY_CONTRIBUTORS: tuple[str, ...] = ("adjustments.panels.recorded_for",)  # anomaly -> what the audit log calls them
SEARCH_CONTRIBUTORS: tuple[str, ...] = ("anomalies.search.own", "adjustments.panels.searched")
SUBJECT_PANELS: tuple[str, ...] = ("adjustments.panels.subject_panel",)
# Functions that hold the audit log against the rows it speaks of: () -> discrepancies
AUDIT_CROSS_CHECKS: tuple[str, ...] = (
    "adjustments.crosscheck.discrepancies",
    "audit.reading.discrepancies",
)
JOB_SOURCES: tuple[str, ...] = (
    "jobs.jobs.JOBS",
    "jobs.auditing.JOBS",
    "anomalies.jobs.jobs",
    "adjustments.jobs.JOBS",
    "adjustments.switches.jobs.JOBS",
    "health.jobs.JOBS",
    "health.jobs.room_jobs",
    "billingadmin.demo.jobs",
)

# Logging -------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "billingadmin.request_log.JsonLines"}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["lines"], "level": envstr("LOG_LEVEL", "WARNING").upper()},
    "loggers": {"django": {"handlers": ["lines"], "level": envstr("LOG_LEVEL", "WARNING").upper(), "propagate": False}},
}
