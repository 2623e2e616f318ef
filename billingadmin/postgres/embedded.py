"""The two clusters we run ourselves, one for the site and one for tests: where they are, their passwords and URLs.

Each checkout has its own folder of data. Every password is derived from one secret in it, so there is nothing else to
keep, and a URL is known before its role is made. No role of the site's is a superuser, and each needs its password,
also on the socket.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import quote

from billingadmin.postgres import PostgresError
from billingadmin.postgres.binaries import major_version, runnable_binaries
from billingadmin.postgres.cluster import HOME, PORT, Cluster, Lease, lease

SUPERUSER = "billingadmin_superuser"
OWNER = "billingadmin_owner"  # owns the tables, cannot log in
MIGRATOR = "billingadmin_migrator"  # logs in, and acts as the owner
SITE = "billingadmin_site"
CONSOLE = "billingadmin"
DEMO = "billingadmin_demo"  # a console of its own, so that nothing invented is ever among what is real
SHARED_FOLDER = Path("/var/lib/billingadmin")
SETTINGS = {
    "max_connections": "80",
    "shared_buffers": "64MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "client_connection_check_interval": "10s",
}
HASTE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for what may be lost


# Where it is ---------------------------------------------------------------------------------------------------------


def data_folder() -> Path:
    """BILLINGADMIN_DATA; else, for root, a folder that PostgreSQL's user can reach; else ``var`` in the checkout."""
    if given := os.environ.get("BILLINGADMIN_DATA"):
        return Path(given).absolute()
    if os.geteuid() == 0 and os.access(SHARED_FOLDER.parent, os.W_OK):
        return SHARED_FOLDER / hashlib.sha256(str(HOME).encode()).hexdigest()[:12]
    return HOME / "var"


@cache
def secret() -> bytes:
    """The one secret of this checkout, made when it is first asked for."""
    path = data_folder() / "secret"
    try:
        if not path.exists():
            _make_secret(path)
        return path.read_bytes()
    except OSError as error:
        raise PostgresError(f"{path}: {error.strerror}. Set BILLINGADMIN_DATA to a folder of your own.") from None


def _make_secret(path: Path) -> None:
    """Whole or not at all, and only once, however many processes begin at the same time."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent)  # readable by us alone
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    with suppress(FileExistsError):
        os.link(unfinished, path)
    os.unlink(unfinished)


def derived(name: str) -> str:
    """A password or key for one purpose; the secret cannot be told from it."""
    return hmac.new(secret(), name.encode(), "sha256").hexdigest()


# The clusters --------------------------------------------------------------------------------------------------------


@cache
def cluster(name: str) -> Cluster:
    """The cluster of that name: ``site``, or ``test``, which may be lost at any time."""
    binaries = runnable_binaries(SHARED_FOLDER)
    disposable = name == "test"
    return Cluster(
        folder=data_folder() / name,
        binaries=binaries,
        version=major_version(binaries),
        superuser=SUPERUSER,
        password=derived(SUPERUSER),
        settings={**SETTINGS, **(HASTE if disposable else {})},
        disposable=disposable,
    )


def exists(name: str) -> bool:
    return cluster(name).data.exists()


def hold(name: str) -> Lease:
    """Starts the cluster unless it runs; it runs on until the answer is closed, or this process is gone."""
    return lease(cluster(name))


def url(name: str, *, user: str, database: str) -> str:
    place = quote(str(cluster(name).sockets), safe="")
    return f"postgresql://{user}:{derived(user)}@/{database}?host={place}&port={PORT}"


# URLs ----------------------------------------------------------------------------------------------------------------


def console_urls(name: str, *, demo: bool) -> dict[str, str]:
    database = DEMO if demo else CONSOLE
    users = {"DATABASE_URL": SITE, "DATABASE_OWNER_URL": MIGRATOR}
    return {variable: url(name, user=user, database=database) for variable, user in users.items()}


def source_urls(name: str, engines: Mapping[str, str], *, writers: bool) -> dict[str, str]:
    """The URLs of the demo sources, by variable; ``engines`` says for each slug whether it is PostgreSQL or SQLite."""
    urls = {}
    for slug, engine in engines.items():
        for end, variable in (("reader", "DATABASE_URL"), ("writer", "WRITER_DATABASE_URL")):
            if end == "reader" or writers:
                urls[f"{slug.upper()}_{variable}"] = _source_url(name, slug, engine, end)
    return urls


def _source_url(name: str, slug: str, engine: str, end: str) -> str:
    if engine == "sqlite":
        return f"sqlite:///{quote(str(data_folder() / name / f'{slug}.sqlite3'))}"
    return url(name, user=f"{slug}_{end}", database=slug)


def environment(engines: Mapping[str, str]) -> dict[str, str]:
    """The URLs that the environment does not give: those of the cluster this process was told to use.

    With DATABASE_URL given there are none. One real source given means no demo anywhere, and a console without it.
    """
    if os.environ.get("DATABASE_URL"):
        return {}
    name = os.environ.get("BILLINGADMIN_CLUSTER", "site")
    demo = name == "test" or wants_demo()
    urls = console_urls(name, demo=demo and name != "test")
    writers = os.environ.get("BILLINGADMIN_WRITERS") == "1"
    return urls | (source_urls(name, engines, writers=writers) if demo else {})


def wants_demo() -> bool:
    """As the last start of the server had it, unless the environment names a console or a source of its own."""
    rooms = (path.parent.name for path in (HOME / "systems").glob("*/system.py"))
    given = [os.environ.get(f"{room.upper()}_DATABASE_URL") for room in rooms]
    return not (any(given) or os.environ.get("DATABASE_URL") or (data_folder() / "site" / "empty").exists())


def remember(*, empty: bool) -> None:
    """Notes for later commands whether the site runs without the demo."""
    note = data_folder() / "site" / "empty"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch() if empty else note.unlink(missing_ok=True)


def anchor_file() -> str:
    """Where the site's console notes the heads of its audit log; the tests' has nothing to last."""
    name = os.environ.get("BILLINGADMIN_CLUSTER", "site")
    console = DEMO if wants_demo() else CONSOLE
    return "" if name == "test" else str(data_folder() / "anchors" / f"{console}.jsonl")


# Notes between one start and the next --------------------------------------------------------------------------------


def sign_ins() -> str:
    """How to sign in to the demo, as build_demo left it for the next start to say again; empty without the demo."""
    note = data_folder() / "site" / "sign-ins"
    return note.read_text(encoding="utf-8").strip() if wants_demo() and note.exists() else ""


def keep_sign_ins(text: str) -> None:
    """Keeps the demo's sign-ins, passwords included, where only this user can read them."""
    note = data_folder() / "site" / "sign-ins"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch(mode=0o600)
    note.write_text(text, encoding="utf-8")
