"""The letters of a request: each decision, and what came of it, told to those who are answerable for it.

They go to the proposer, to whoever has approved, and to ``FINANCE_EMAIL``, each in the reader's own language. They say
what was decided and by whom, never about which customer or why: that stands on the page behind the link.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from adjustments.models import Adjustment, Decision
from adjustments.states import State, Verdict
from adjustments.wording import label_of, title_of
from billingadmin.amounts import Amount
from jobs import letters

TOLD = frozenset({State.APPLIED, State.NEEDS_ATTENTION, State.EXPIRED, State.CANCELLED})  # what no decision tells alone
SAID = {
    Verdict.APPROVE: gettext_lazy("%(name)s approved request #%(number)d."),
    Verdict.REJECT: gettext_lazy("%(name)s rejected request #%(number)d."),
    Verdict.RETRY: gettext_lazy("%(name)s asked to try request #%(number)d again."),
    Verdict.CANCEL: gettext_lazy("%(name)s asked to cancel request #%(number)d."),
}
BECAME = {
    State.APPLIED: gettext_lazy("Request #%(number)d was applied."),
    State.NEEDS_ATTENTION: gettext_lazy("Request #%(number)d was approved, but needs attention."),
    State.EXPIRED: gettext_lazy("Request #%(number)d expired."),
    State.CANCELLED: gettext_lazy("Request #%(number)d was cancelled."),
}
DUE = {
    State.PENDING: gettext_lazy("Request #%(number)d expires at %(at)s unless it is approved."),
    State.APPROVED: gettext_lazy("Request #%(number)d expires at %(at)s unless it is applied."),
}


@dataclass(frozen=True)
class Reader:
    email: str
    language: str
    zone: str


def decided(decision: Decision) -> None:
    """What one person said of a request. Called where the decision is written, in its transaction."""
    told = {"name": decision.person.name, "number": decision.adjustment.number}
    _write(decision.adjustment, f"decision {decision.pk}", SAID[Verdict(decision.verdict)], told, decision.at)


def moved(adjustment: Adjustment) -> None:
    """What became of a request, where that is more than somebody's decision says."""
    state = State(adjustment.state)
    if state in TOLD:
        key = f"adjustment {adjustment.pk} {state.value} {adjustment.revision}.{adjustment.attempt}"
        at = adjustment.applied_at or adjustment.closed_at or adjustment.tried_at or timezone.now()
        _write(adjustment, key, BECAME[state], {"number": adjustment.number}, at)


def renewed(adjustment: Adjustment, spoken: Collection[int], now: datetime) -> None:
    """That it came under another policy: to the proposer, and to those who had approved it, whose word is void."""
    told = {"number": adjustment.number, "needed": adjustment.approvals_needed, "voided": len(spoken)}
    concerned = get_user_model().objects.active().filter(pk__in={adjustment.proposed_by_id, *spoken})
    for reader in [Reader(person.email, person.language, person.zone) for person in concerned]:
        with _speaking_to(reader):
            said = _("Request #%(number)d waits for approval anew: the policy has changed.") % told
            approvals = _("Approvals so far, which no longer count: %(voided)d. It needs %(needed)d now.") % told
            letters.write(
                to=[reader.email],
                subject=said,
                body=f"{said}\n{approvals}\n\n{settings.CONSOLE_URL}{adjustment.get_absolute_url()}\n",
                key=f"adjustment {adjustment.pk} policy {adjustment.revision}",
                system=adjustment.system,
                language=reader.language,
                now=now,
            )


def due(adjustment: Adjustment, concerned: Collection[Any], at: datetime, now: datetime) -> int:
    """That a deadline is near, to those who can still act: once for each revision and deadline. How many are new."""
    unless = DUE[State(adjustment.state)]
    found = 0
    for person in concerned:
        with _speaking_to(Reader(person.email, person.language, person.zone)):
            when = date_format(timezone.localtime(at), "Y-m-d H:i")
            said = str(unless) % {"number": adjustment.number, "at": when}
            found += letters.write(
                to=[person.email],
                subject=said,
                body=f"{said}\n\n{settings.CONSOLE_URL}{adjustment.get_absolute_url()}\n",
                key=f"adjustment {adjustment.pk} due {adjustment.state} {adjustment.revision}.{adjustment.attempt}",
                system=adjustment.system,
                language=person.language,
                now=now,
            )
    return found


def _write(adjustment: Adjustment, key: str, sentence: Any, told: dict[str, Any], now: datetime) -> None:
    approvals = _approvals(adjustment)
    for reader in _readers(adjustment, approvals):
        with _speaking_to(reader):
            said = str(sentence) % told
            letters.write(
                to=[reader.email],
                subject=pgettext("a letter", "%(said)s %(total)s, %(system)s") % ({"said": said} | _sum(adjustment)),
                body=_body(adjustment, said, approvals, now),
                key=key,
                system=adjustment.system,
                language=reader.language,
                now=now,
            )


def _sum(adjustment: Adjustment) -> dict[str, str]:
    return {"total": str(Amount(adjustment.amount, adjustment.unit)), "system": label_of(adjustment.system)}


def _body(adjustment: Adjustment, said: str, approvals: list[Decision], now: datetime) -> str:
    told = {
        "adjustment": adjustment,
        "said": said,
        "title": title_of(adjustment),
        "line_count": adjustment.current_lines().count(),
        "approvals": approvals,
        "at": timezone.localtime(now),
        "link": f"{settings.CONSOLE_URL}{adjustment.get_absolute_url()}",
    }
    return render_to_string("adjustments/letter.txt", told | _sum(adjustment))


def _approvals(adjustment: Adjustment) -> list[Decision]:
    said = adjustment.decisions.filter(revision=adjustment.revision, verdict=Verdict.APPROVE)
    return list(said.select_related("person").order_by("at", "pk"))


def _readers(adjustment: Adjustment, approvals: list[Decision]) -> Iterator[Reader]:
    """Each once, however many parts they have in it. Who is no longer active is told nothing."""
    concerned = {adjustment.proposed_by_id, *(said.person_id for said in approvals)}
    for person in get_user_model().objects.active().filter(pk__in=concerned):
        yield Reader(person.email, person.language, person.zone)
    for address in settings.FINANCE_EMAIL:
        yield Reader(address, settings.LANGUAGE_CODE, settings.TIME_ZONE)


@contextmanager
def _speaking_to(reader: Reader) -> Iterator[None]:
    with translation.override(reader.language), timezone.override(ZoneInfo(reader.zone)):
        yield
