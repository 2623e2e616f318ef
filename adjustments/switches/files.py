"""A file of an outside system, replaced at one stroke: whoever reads it sees the old text or the new one, whole."""

import os
import tempfile
from pathlib import Path

from django.utils.translation import gettext as _

from systems.base import CannotTell

LARGEST = 1_000_000  # bytes: a configuration, not a database


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot(path, error) from error
    if len(text) > LARGEST:
        raise CannotTell(_("%s is too large to be the file that was meant.") % path)
    return text


def replace(path: str, *, before: str, after: str) -> None:
    """Raises CannotTell, with the old text in place, when it may not be written or is no longer what it was."""
    target = Path(path).resolve()  # through a link, the file it names
    try:
        temporary = _beside(target, after)
        try:
            if read(str(target)) != before:
                raise CannotTell(_("%s was changed by somebody else in this moment. Nothing was written.") % path)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _keep(target.parent)
    except OSError as error:
        raise _cannot(path, error) from error


def _beside(target: Path, text: str) -> Path:
    """The new text in a file of the same mode and owner, on the disk before its name is."""
    kept = target.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), kept.st_mode & 0o7777)
            if (kept.st_uid, kept.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), kept.st_uid, kept.st_gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _keep(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(path: str, error: Exception) -> CannotTell:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, PermissionError):
        told = _("The worker may not do this with %(path)s (%(reason)s). Give its user the right to write the folder.")
    else:
        told = _("%(path)s: %(reason)s")
    return CannotTell(told % {"path": path, "reason": reason})
