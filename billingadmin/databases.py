"""Which databases there are, from the environment, and which models live where."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

POSTGRESQL = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"
CONNECT_TIMEOUT = "3"  # seconds: a server that is down must not hold a page
KEPT_OPEN = 60  # seconds, for the console's own connections; a source's are closed at once


def slug_of(entry: str) -> str:
    """The slug of an entry of BILLING_SYSTEMS, which may be the dotted path of a room elsewhere."""
    return entry.rpartition(".")[2]


def engines(entries: Sequence[str]) -> dict[str, str]:
    """What each room's database is in the real world, and so in the demo. A room's ``__init__`` may say ``ENGINE``."""
    return {slug_of(entry): _engine(entry) for entry in entries}


def _engine(entry: str) -> str:
    package = entry if "." in entry else f"systems.{entry}"
    return getattr(import_module(package), "ENGINE", "postgresql")


def from_url(variable: str, url: str, *, kept_open: int = 0) -> dict[str, Any]:
    """Django's settings for ``postgresql://user:password@host:port/name?option=…`` or ``sqlite:////absolute/path``."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return {"ENGINE": SQLITE, "NAME": _sqlite_path(variable, url), "CONN_MAX_AGE": 0}
    if scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured(f"{variable} must begin with postgresql:// or sqlite:////.")
    return _postgresql(variable, url) | {"CONN_MAX_AGE": kept_open, "CONN_HEALTH_CHECKS": True}


def _sqlite_path(variable: str, url: str) -> str:
    path = unquote(urlsplit(url).path)
    if not url.startswith("sqlite:////") or path == "//":
        raise ImproperlyConfigured(f"{variable} must name an absolute path: sqlite:////srv/file.sqlite3.")
    return path[1:] if path.startswith("//") else path


def _postgresql(variable: str, url: str) -> dict[str, Any]:
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:  # its text holds no password
        raise ImproperlyConfigured(f"{variable} cannot be read: {str(error).strip()}.") from None
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{variable} names no database: postgresql://user:password@host:port/NAME.")
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    fields = {field: parts.pop(name, "") for field, name in names.items()}
    return {"ENGINE": POSTGRESQL, **fields, "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT, **parts}}


def configured(environment: Mapping[str, str], slugs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """DATABASES: the console as the site and as the owner; each connected system to read and, if given, to write."""
    site = environment["DATABASE_URL"]
    owner = environment.get("DATABASE_OWNER_URL") or site
    databases = {
        "default": from_url("DATABASE_URL", site, kept_open=KEPT_OPEN) | {"TEST": {"MIRROR": "owner"}},
        "owner": from_url("DATABASE_OWNER_URL", owner) | {"TEST": {"DEPENDENCIES": []}},
    }
    for slug in slugs:
        databases |= _source(environment, slug)
    return databases


def _source(environment: Mapping[str, str], slug: str) -> dict[str, dict[str, Any]]:
    aliases = {}
    reading, writing = f"{slug.upper()}_DATABASE_URL", f"{slug.upper()}_WRITER_DATABASE_URL"
    if url := environment.get(reading):
        aliases[slug] = from_url(reading, url) | {"TEST": {"MIRROR": f"{slug}_writer"}}
    if url := environment.get(writing):
        aliases[f"{slug}_writer"] = _writing(from_url(writing, url)) | {"TEST": {"DEPENDENCIES": []}}
    return aliases


def _writing(database: dict[str, Any]) -> dict[str, Any]:
    """A SQLite file has one writer at a time: who waits from the start gets its turn, who has read first is refused."""
    return database | {"OPTIONS": {"transaction_mode": "IMMEDIATE"}} if database["ENGINE"] == SQLITE else database


class Router:
    """A room is read from its source and written by its writer; the console's tables are the owner's to make."""

    def __init__(self) -> None:
        from django.conf import settings

        self.slugs = {slug_of(entry) for entry in settings.BILLING_SYSTEMS}

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return model._meta.app_label if model._meta.app_label in self.slugs else None

    def db_for_write(self, model: type, **hints: Any) -> str | None:
        return f"{model._meta.app_label}_writer" if model._meta.app_label in self.slugs else None

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool | None:
        return first._meta.app_label == second._meta.app_label if first._meta.app_label in self.slugs else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db in ("default", "owner") and app_label not in self.slugs
