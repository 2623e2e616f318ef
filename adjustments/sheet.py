"""One request as its page shows it: what, by whom, on what evidence, how far it is, and what the reader may do now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adjustments import forms
from adjustments.content import Change, changes, evidence_changes
from adjustments.foreseen import foreseen
from adjustments.freezes.models import Freeze
from adjustments.freezes.waiting import freezes_on
from adjustments.models import Adjustment, AdjustmentLine, Decision, Preview
from adjustments.people import Person, hands
from adjustments.portion import Portion
from adjustments.preview import ANSWERS_WITHIN
from adjustments.standing import standing
from adjustments.states import CLOSED_UNAPPLIED, Outcome, State, Verdict
from adjustments.wording import correction_of, kind_label, label_of, rule_title, title_of
from audit.models import Entry
from billingadmin.amounts import Amount
from systems.base import Correction, CorrectionKind


@dataclass(frozen=True, kw_only=True)
class ShownLine:
    """A line with its evidence as it was signed and as the preview found it."""

    line: AdjustmentLine
    columns: Sequence[tuple[str, Any, Any, bool]]  # name, then, now, whether it moved
    effects: Sequence[dict[str, Any]]

    @property
    def differences(self) -> list[Change]:
        """What was not as signed when it was refused."""
        line = self.line
        return [] if line.found is None else evidence_changes(line.subject, line.evidence, line.found)


class Sheet:
    """Everything is asked when it is shown, and once."""

    def __init__(
        self,
        adjustment: Adjustment,
        person: Person,
        now: datetime,
        typed: Mapping[str, forms.Reason] | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> None:
        """``typed`` holds, by verb, the form that came back; ``asked`` says which of its lines to show."""
        self.adjustment, self.person, self.now, self.typed = adjustment, person, now, typed or {}
        self.portion = Portion(adjustment, asked or {})

    title = cached_property(lambda self: title_of(self.adjustment))
    system_label = cached_property(lambda self: label_of(self.adjustment.system))
    kind_label = cached_property(lambda self: kind_label(self.adjustment.system, self.adjustment.subject_kind))
    standing = cached_property(lambda self: standing(self.adjustment))

    @cached_property
    def correction(self) -> Correction | None:
        return correction_of(self.adjustment)

    @cached_property
    def rule(self) -> str:
        anomaly = self.adjustment.anomaly
        return rule_title(anomaly.system, anomaly.rule) if anomaly else ""

    @cached_property
    def freezes(self) -> list[Freeze]:
        """What holds a part of it back."""
        return freezes_on(self.adjustment) if self.adjustment.is_open else []

    # What is in it

    @property
    def line_count(self) -> int:
        return self.portion.count

    @property
    def only_line(self) -> AdjustmentLine | None:
        return self.portion.page.rows[0] if self.line_count == 1 and self.portion.page.rows else None

    @property
    def total(self) -> str:
        amount = Amount(self.adjustment.amount, self.adjustment.unit)
        return f"{amount.figure(signed=True)} {amount.unit_label()}"

    @cached_property
    def lines(self) -> list[ShownLine]:
        """Those of this page; the preview answers by number, for the first ones."""
        answer = self.preview.answer if self.preview else {}
        found, effects = answer.get("evidence") or [], answer.get("effects") or []
        return [
            ShownLine(
                line=line,
                columns=_columns(line, next(iter(_nth(found, line)), None), self.was_previewed),
                effects=next(iter(_nth(effects, line)), None) or [],
            )
            for line in self.portion.page.rows
        ]

    @cached_property
    def changes(self) -> list[Change]:
        """What the last edit changed."""
        contents = dict(self.adjustment.revisions.values_list("number", "content"))
        before = contents.get(self.adjustment.revision - 1)
        return changes(before, self.adjustment.content) if before else []

    # The preview

    @cached_property
    def preview(self) -> Preview | None:
        return self.adjustment.previews.filter(revision=self.adjustment.revision).order_by("-asked_at").first()

    @property
    def was_previewed(self) -> bool:
        return bool(self.preview and self.preview.stage == Preview.Stage.DONE)

    @property
    def preview_is_awaited(self) -> bool:
        asked = self.preview and self.preview.stage == Preview.Stage.ASKED
        return bool(asked and self.now - self.preview.asked_at < ANSWERS_WITHIN)

    @property
    def preview_is_late(self) -> bool:
        asked = self.preview and self.preview.stage == Preview.Stage.ASKED
        return bool(asked and not self.preview_is_awaited)

    @cached_property
    def foreseen(self) -> dict[str, list[dict[str, Any]]]:
        return foreseen(self.adjustment, self.preview, is_gathered=self.line_count > 1)

    # Who said what

    @cached_property
    def decisions(self) -> list[Decision]:
        return list(self.adjustment.decisions.select_related("person").order_by("at", "pk"))

    @cached_property
    def hands(self) -> set[Any]:
        return hands(self.adjustment)

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """Of many lines, what became of each stands beside it, and not in the history of the request as well."""
        entries = Entry.objects.about("adjustment", self.adjustment.pk).newest_first()
        told = entries if self.line_count == 1 else entries.exclude(action_type__startswith="adjustment_line_")
        return list(told[:50])

    @cached_property
    def reversal(self) -> Adjustment | None:
        return self.adjustment.reversals.exclude(state__in=CLOSED_UNAPPLIED).first()

    # How far it is

    @property
    def path(self) -> list[dict[str, Any]]:
        """The states on the way, the one it is in marked."""
        way = [State.PENDING, State.APPROVED, State.APPLIED]
        here = State(self.adjustment.state)
        if here not in way:
            way = [*way[: 2 if self.adjustment.approved_at else 1], here]
        labels = {State.PENDING: gettext_lazy("proposed"), State.APPROVED: gettext_lazy("approved")}
        return [
            {"label": labels.get(state, state.label), "is_current": state == here, "is_done": index < way.index(here)}
            for index, state in enumerate(way)
        ]

    @cached_property
    def progress(self) -> list[dict[str, Any]]:
        """The three steps after the approval."""
        if not self.adjustment.approved_at or self.adjustment.state in CLOSED_UNAPPLIED:
            return []
        posted = self.portion.counts.get(Outcome.POSTED, 0)
        in_ledger = _("Posted in %(system)s: %(posted)d of %(all)d lines")
        if self.correction and self.correction.kind != CorrectionKind.POSTING:
            in_ledger = _("Done: %(posted)d of %(all)d lines")
        told = in_ledger % {"system": self.system_label, "posted": posted, "all": self.line_count}
        return [
            {"text": _("Approved, and handed to the worker"), "is_done": True, "at": self.adjustment.approved_at},
            {"text": told, "is_done": posted == self.line_count, "at": self.portion.spread["posted_at"]},
            {
                "text": _("Receipt kept here, anomaly settled"),
                "is_done": self.is_applied,
                "at": self.adjustment.applied_at,
            },
        ]

    @property
    def never(self) -> int:
        """How many lines of an applied request are never to be posted."""
        return self.portion.counts.get(Outcome.VOID, 0) if self.is_applied else 0

    @property
    def is_applied(self) -> bool:
        return self.adjustment.state == State.APPLIED

    # What the reader may do

    @property
    def may_decide(self) -> bool:
        return self.adjustment.is_pending and self.person.may("decide") and not self.why_not

    @cached_property
    def why_not(self) -> str:
        """Why an approver may not decide this one."""
        if not self.adjustment.is_pending or not self.person.may("decide"):
            return ""
        if self.adjustment.proposed_by_id == self.person.pk:
            return _("You proposed this; another approver must decide.")
        if self.person.pk in self.hands:
            return _("You edited this; another approver must decide.")
        if self._said(Verdict.APPROVE):
            return _("You have approved this; it waits for another approver.")
        return _("The time to approve this has passed.") if self.now >= self.adjustment.approve_by else ""

    def _said(self, verdict: Verdict) -> bool:
        here = (self.adjustment.revision, self.adjustment.attempt, verdict)
        mine = [one for one in self.decisions if one.person_id == self.person.pk]
        return any((one.revision, one.attempt, one.verdict) == here for one in mine)

    @property
    def may_edit(self) -> bool:
        return self.adjustment.is_pending and self.person.may("triage") and self.now < self.adjustment.approve_by

    @property
    def may_withdraw(self) -> bool:
        return self.adjustment.is_pending and self.adjustment.proposed_by_id == self.person.pk

    @property
    def may_reverse(self) -> bool:
        offered = self.correction and self.correction.reversal
        return bool(self.is_applied and offered and self.person.may("triage") and self._has_something_to_take_back)

    @cached_property
    def _has_something_to_take_back(self) -> bool:
        posted = self.adjustment.current_lines().filter(outcome=Outcome.POSTED, reversed_at=None)
        return posted.exclude(reversals__live=True).exists()

    @cached_property
    def ways_out(self) -> list[dict[str, Any]]:
        """To try again or to cancel: who asked already, and whether this reader may ask or confirm."""
        verdicts = {
            State.NEEDS_ATTENTION: [Verdict.RETRY, Verdict.CANCEL],
            State.APPROVED: [Verdict.CANCEL],
        }
        offered = verdicts.get(State(self.adjustment.state), [])
        return [self._way_out(verdict) for verdict in offered if self.person.may("triage")]

    def _way_out(self, verdict: Verdict) -> dict[str, Any]:
        here = (self.adjustment.revision, self.adjustment.attempt, verdict)
        asked = [one for one in self.decisions if (one.revision, one.attempt, one.verdict) == here]
        words = {Verdict.RETRY: _("Try again"), Verdict.CANCEL: _("Cancel this request")}
        return {
            "label": words[verdict],
            "asked": asked,
            "is_asked_by_reader": any(one.person_id == self.person.pk for one in asked),
            "url": reverse(f"adjustments:{verdict.value}", args=[self.adjustment.pk]),
            "may": len(asked) < 2 and (not asked or self.person.may("decide")),
            "form": self._form(verdict.value, forms.Asked),
        }

    @property
    def withdrawing(self) -> forms.Reason:
        return self._form("withdraw")

    def _form(self, verb: str, kind: type[forms.Reason] = forms.Reason) -> forms.Reason:
        return self.typed.get(verb) or kind(auto_id=f"{verb}_%s")


def _nth(answers: Sequence[Any], line: AdjustmentLine) -> list[Any]:
    """The answer for this line: nothing in the list where it was not asked about."""
    return list(answers[line.number - 1 : line.number])


def _columns(line: AdjustmentLine, found: Any, was_previewed: bool) -> list[tuple[str, Any, Any, bool]]:
    now = found or {}
    moved = {change.name for change in evidence_changes(line.subject, line.evidence, now)} if was_previewed else set()
    return [(name, value, now.get(name), name in moved) for name, value in sorted(line.evidence.items())]
