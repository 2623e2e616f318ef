"""The room's own screens: the checks round a deployment, and where each section of the runbook lives in the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from systems.base import Page, Step, Text
from systems.imagegen.runbook import POST_DEPLOY, PRE_DEPLOY, RUNBOOK, TRIAGE


@dataclass(frozen=True)
class Check:
    """A step of a routine with the reading that answers it, if there is one yet."""

    step: Step
    title: Text
    reading: Any

    @property
    def level(self) -> str:
        return self.reading.level if self.reading else "unknown"

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The offenders; transaction ids one by one, so that each can be opened."""
        rows = (self.reading.detail if self.reading else {}).get("rows", [])
        return [{**row, "tx_ids": _ids(row)} for row in rows]


def _ids(row: Mapping[str, Any]) -> list[str]:
    several = [part.strip() for part in (row.get("tx_ids") or "").split(",") if part.strip()]
    return several or ([row["tx_id"]] if row.get("tx_id") else [])


def _checks(desk: Any, steps: Sequence[Step]) -> list[Check]:
    readings = desk.readings()
    return [Check(step, desk.system.probe(step.probe).title, readings.get(step.probe)) for step in steps if step.probe]


@require_GET
def pre_deploy(request: HttpRequest, desk: Any) -> HttpResponse:
    (check,) = _checks(desk, PRE_DEPLOY.steps)
    context = {"desk": desk, "now": desk.now, "check": check, "steps": PRE_DEPLOY.steps}
    return render(request, "imagegen/pre_deploy.html", context)


@require_GET
def post_deploy(request: HttpRequest, desk: Any) -> HttpResponse:
    context = {"desk": desk, "now": desk.now, "checks": _checks(desk, POST_DEPLOY.steps)}
    return render(request, "imagegen/post_deploy.html", context)


@dataclass(frozen=True)
class Section:
    """A section of the written runbook, and where the console does it."""

    heading: str
    text: Text
    href: str
    link: Text


SECTIONS = (
    Section("Purpose", _("The three anomalies are rules, checked hourly."), "/anomalies/?system=imagegen", _("Queue")),
    Section(
        "Pre-Deploy Checklist 1", _("The duplicate check."), "/systems/imagegen/pre-deploy/", _("Pre-deploy check")
    ),
    Section("Pre-Deploy Checklist 2", _("The snapshot is taken at the provider; no table shows it."), "", ""),
    Section("Monitoring 1", _("Detection, over two hours or any time."), "/anomalies/?system=imagegen", _("Queue")),
    Section("Monitoring 2", _("What detection wrote down."), "/audit/?system=imagegen", _("Audit log")),
    Section("Monitoring 3", _("The schedule, the last run and the next."), "/jobs/", _("Jobs")),
    Section(
        "Triage Procedure 1-4",
        _("One timeline of a job: status, ledger rows, image and logs. Any id finds it."),
        "/search/",
        _("Search"),
    ),
    Section(
        "Operational Policy",
        _("Nothing is corrected by itself; two people approve, and both audit logs say why."),
        "/adjustments/",
        _("Adjustments"),
    ),
    Section(
        "Post-Deploy Validation 1-4",
        _("The four validations, measured over seven days."),
        "/systems/imagegen/post-deploy/",
        _("Post-deploy validation"),
    ),
)


@require_GET
def runbook(request: HttpRequest, desk: Any) -> HttpResponse:
    readings = desk.readings()
    routines = [
        (routine, [(step, readings.get(step.probe) if step.probe else None) for step in routine.steps])
        for routine in RUNBOOK.routines
    ]
    triage = [(rule, TRIAGE[rule.code]) for rule in desk.system.rules if rule.code in TRIAGE]
    context = {"desk": desk, "now": desk.now, "sections": SECTIONS, "routines": routines, "triage": triage}
    return render(request, "imagegen/runbook.html", context)


PAGES = (
    Page(path="pre-deploy/", name="pre-deploy", title=_("Pre-deploy check"), view=pre_deploy),
    Page(path="post-deploy/", name="post-deploy", title=_("Post-deploy validation"), view=post_deploy),
    Page(path="runbook/", name="runbook", title=_("Runbook"), view=runbook),
)
