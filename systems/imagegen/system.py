from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from systems.base import System
from systems.imagegen.corrections import CORRECTIONS
from systems.imagegen.demo import DEMO
from systems.imagegen.pages import PAGES
from systems.imagegen.probes import JOBS, PROBES
from systems.imagegen.rules import FACTS, RULES
from systems.imagegen.runbook import RUNBOOK
from systems.imagegen.source import INDEXES
from systems.imagegen.subjects import SUBJECTS

SYSTEM = System(
    slug="imagegen",
    label=_("Image generation"),
    unit="credits",
    zone=ZoneInfo("UTC"),
    engine="postgresql",
    facts=FACTS,
    rules=RULES,
    subjects=SUBJECTS,
    corrections=CORRECTIONS,
    probes=PROBES,
    runbook=RUNBOOK,
    pages=PAGES,
    jobs=JOBS,
    indexes=INDEXES,
    demo=DEMO,
    audit_action="generation_billing_anomaly_detected",
)
