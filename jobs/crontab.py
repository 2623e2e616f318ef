"""Cron as the scheduler, through django-crontab: with the precautions that it does not take itself.

It exits 0 when there is no crontab, trips over its own output when a job has changed, and does not quote paths. So its
output is silenced, paths are refused that cron cannot hold, and what it wrote is read back and compared. Cron gives a
command neither the service's variables nor a useful folder: ``.env.cron``, written beside manage.py and readable by its
owner alone, has the variables with which ``schedule install`` was called.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django_crontab.crontab import Crontab

from jobs.registry import all_jobs

PLAIN_PATH = re.compile(r"[\w@+=:,./-]+", re.ASCII)  # what neither cron (%) nor sh (all else) reads in its own way
# Not the writers': what posts is a task of the worker, which the jobs only ask for it.
KEPT = re.compile(
    r"(?!\w+_WRITER_DATABASE_URL)(\w+_)?DATABASE_URL|FINANCE_EMAIL|CONSOLE_URL|SECRET_KEY(_FILE)?|BILLINGADMIN_\w+|EMAIL_\w+|DEFAULT_FROM_EMAIL|LOG_LEVEL|DEBUG"
)
RUNNER = "BILLINGADMIN_RUNNER"  # tells a firing by cron from one by hand
DAEMONS = {"cron", "crond"}


class CannotSchedule(Exception):
    """Cron cannot be used here; the text says why and what to do."""


@dataclass(frozen=True)
class Line:
    """A job as it stands in the crontab, or as it should."""

    name: str
    cron: str
    is_installed: bool


def cronjobs() -> list[tuple[str, str, list[str]]]:
    """What settings.CRONJOBS is: each job of the registry, run by the command that a person would use."""
    return [(job.cron, "django.core.management.call_command", ["job", "run", job.name]) for job in all_jobs()]


def install() -> list[str]:
    """Writes a line for each job, instead of the lines we wrote before. What to be warned of; raises CannotSchedule."""
    binary, lines = _crontab_binary(), _wanted()
    _refuse_odd_paths()
    before = _listed(binary)
    _write_environment(settings.BASE_DIR / ".env.cron", os.environ)
    _edit(binary, before, add=True)
    after = _listed(binary)
    if _ours(after) != lines or _others(after) != _others(before):
        raise CannotSchedule(_("crontab took the lines and does not show them. Is this account allowed to use cron?"))
    return _warnings()


def remove() -> int:
    """Takes our lines out, nobody else's. How many there were."""
    binary = _crontab_binary()
    before = _listed(binary)
    _edit(binary, before, add=False)
    if _listed(binary) != _others(before):
        raise CannotSchedule(_("crontab still shows our lines. Is this account allowed to use cron?"))
    (settings.BASE_DIR / ".env.cron").unlink(missing_ok=True)
    return len(_ours(before))


def show() -> tuple[list[Line], int]:
    """Each job and whether cron has it; and how many lines of ours are for what is no longer a job."""
    installed = _ours(_listed(_crontab_binary()))
    wanted = _wanted()
    lines = [Line(job.name, job.cron, line in installed) for job, line in zip(all_jobs(), wanted, strict=True)]
    return lines, len([line for line in installed if line not in wanted])


def _crontab_binary() -> str:
    binary = shutil.which("crontab")
    if not binary:
        raise CannotSchedule(
            _(
                "There is no crontab on this machine. Install it (apt-get install --no-install-recommends cron), "
                "or leave the schedule to the worker that script/server starts."
            )
        )
    return binary


def _refuse_odd_paths() -> None:
    for path in (settings.BASE_DIR, settings.CRONTAB_PYTHON_EXECUTABLE, settings.CRON_LOG):
        if not PLAIN_PATH.fullmatch(str(path)):
            raise CannotSchedule(_("Cron cannot hold the path “%s”: move it where no space or sign is in it.") % path)


def _listed(binary: str) -> list[str]:
    answer = subprocess.run([binary, "-l"], capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return answer.stdout.splitlines()
    if "no crontab" in answer.stderr.lower():
        return []
    raise CannotSchedule(_("crontab -l failed: %s") % answer.stderr.strip())


def _edit(binary: str, before: Iterable[str], *, add: bool) -> None:
    crontab = _quiet(binary)
    crontab.crontab_lines = [f"{line}\n" for line in before]
    crontab.remove_jobs()
    if add:
        crontab.add_jobs()
    crontab.write()


def _quiet(binary: str) -> Crontab:
    crontab = Crontab(verbosity=0)
    crontab.settings.CRONTAB_EXECUTABLE = shlex.quote(binary)
    return crontab


def _wanted() -> list[str]:
    crontab = _quiet("crontab")
    crontab.add_jobs()
    return [line.rstrip("\n") for line in crontab.crontab_lines]


def _is_ours(line: str) -> bool:
    return line.endswith(f"# {settings.CRONTAB_COMMENT}")


def _ours(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if _is_ours(line)]


def _others(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not _is_ours(line)]


def _write_environment(path: Path, environment: Mapping[str, str]) -> None:
    kept = {name: value for name, value in environment.items() if KEPT.fullmatch(name)} | {RUNNER: "cron"}
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(kept.items()))
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"# Written by “manage.py schedule install”, from the variables it was called with.\n{text}")
    new.rename(path)


def _warnings() -> list[str]:
    warnings = []
    if not _daemon_runs():
        warnings.append(_("No cron daemon is running: the lines stand, but nothing fires them."))
    if (zone := _zone()) not in ("", "UTC"):
        warnings.append(
            _("Cron fires in the machine's zone, %s; schedules are in UTC. The job “catch_up” evens it out.") % zone
        )
    return warnings


def _daemon_runs() -> bool:
    return any(_command(path) in DAEMONS for path in Path("/proc").glob("[0-9]*/comm"))


def _command(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # it has just ended
        return ""


def _zone() -> str:
    """The machine's zone by name, as far as it can be told. Django has set TZ, so the clock would say UTC."""
    _before, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    return name.removeprefix("Etc/") if found else ""
