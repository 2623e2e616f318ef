"""A schedule in words."""

from collections.abc import Sequence

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def in_words(cron: str) -> str:
    """The usual kinds of schedule as a sentence; any other as the expression it is."""
    minute, hour, day, month, weekday = cron.split()
    if month != "*":
        return cron
    if (hour, day, weekday) == ("*", "*", "*"):
        return _within_the_hour(minute) or cron
    if day == weekday == "*" and minute.isdigit() and (step := _step(hour)):
        return _("every %(count)d hours at minute %(minute)s") % {"count": step, "minute": minute}
    if not (minute.isdigit() and hour.isdigit()):
        return cron
    return _at_a_time(f"{int(hour):02}:{int(minute):02}", day, weekday) or cron


def _step(field: str) -> int:
    every, _slash, step = field.partition("/")
    return int(step) if every == "*" and step.isdigit() else 0


def _within_the_hour(minute: str) -> str:
    if minute.isdigit():
        return _("every hour at minute %s") % minute
    step = 1 if minute == "*" else _step(minute)
    return ngettext("every minute", "every %(count)d minutes", step) % {"count": step} if step else ""


def _at_a_time(time: str, day: str, weekday: str) -> str:
    if day == weekday == "*":
        return _("every day at %s UTC") % time
    if day == "*" and weekday.isdigit():
        return _("every %(day)s at %(time)s UTC") % {"day": _weekday(int(weekday)), "time": time}
    if weekday == "*" and day.isdigit():
        return _("on day %(day)s of every month at %(time)s UTC") % {"day": day, "time": time}
    return ""


def _weekday(number: int) -> str:
    """Cron counts from Sunday, Django from Monday."""
    names: Sequence[str] = [str(WEEKDAYS[index]) for index in range(7)]
    return names[(number - 1) % 7]
