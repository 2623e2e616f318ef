"""Whether what the console records can be trusted, as readings: the audit log's last verdict, and the guards.

The same for every system, since all share one log; kept with the system's own readings, so that they have levels and a
history like any other.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from audit import guards, trust
from audit.trust import State, Trust
from systems.base import Level, Measurement, Probe, Source, System

LEVELS = {
    Trust.HELD: Level.OK,
    Trust.UNANCHORED: Level.WARNING,
    Trust.UNKNOWN: Level.UNKNOWN,
    Trust.BROKEN: Level.CRITICAL,
}


def probes(system: System) -> tuple[Probe, ...]:
    return (
        Probe(code="audit_log", title=gettext_lazy("Audit log"), unit="entries", measure=audit_log),
        Probe(code="guards", title=gettext_lazy("Guards of the database"), unit="drifts", measure=guards_standing),
    )


def audit_log(source: Source) -> Measurement:
    """The value is what no anchor holds yet."""
    state = trust.state(source.now)
    level = LEVELS[state.trust]
    value = None if level == Level.UNKNOWN else state.tail
    return Measurement(level=level, value=value, why=_why(state))


def _why(state: State) -> str:
    last = state.verification
    if last is None:
        return _("The audit log has never been verified.")
    told = {
        "at": f"{last.at:%Y-%m-%d %H:%M}",
        "head": state.head.position,
        "anchored": state.anchored.position if state.anchored else 0,
        "tail": state.tail,
        "why": last.finding.get("why") or "",
    }
    if state.trust == Trust.BROKEN:
        return _("Broken, as verified at %(at)s UTC. %(why)s") % told
    if state.trust == Trust.UNANCHORED:
        return _("Intact at %(at)s UTC, but no file is named for anchors (AUDIT_ANCHOR_FILE).") % told
    if state.trust == Trust.UNKNOWN:
        return _("Not known: last verified at %(at)s UTC, %(tail)d entries unanchored. %(why)s") % told
    return _("Intact at %(at)s UTC; anchored up to position %(anchored)d of %(head)d.") % told


def guards_standing(source: Source) -> Measurement:
    standing = guards.standing()
    count = len(standing.drifts)
    if count:
        rows = [{"guard": one.guard, "declared": one.declared, "found": one.found} for one in standing.drifts[:20]]
        why = ngettext("%(count)d guard is not as declared.", "%(count)d guards are not as declared.", count)
        return Measurement(level=Level.CRITICAL, value=count, why=why % {"count": count}, detail={"rows": rows})
    if standing.weaker:
        why = _("Weaker: the site logs in as the owner of its tables, who can switch the guards off.")
        return Measurement(level=Level.WARNING, value=0, why=why)
    why = _("All %(count)d guards are as declared.") % {"count": standing.count}
    return Measurement(level=Level.OK, value=0, why=why)
