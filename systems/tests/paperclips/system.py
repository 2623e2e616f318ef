from zoneinfo import ZoneInfo

from systems.base import Requirement, System
from systems.tests.paperclips.corrections import CORRECTIONS
from systems.tests.paperclips.demo import DEMO
from systems.tests.paperclips.pages import PAGES
from systems.tests.paperclips.probes import PROBES
from systems.tests.paperclips.rules import FACTS, RULES
from systems.tests.paperclips.runbook import RUNBOOK
from systems.tests.paperclips.switches import SWITCHES
from systems.tests.paperclips.timeline import SUBJECTS

SYSTEM = System(
    slug="paperclips",
    label="Paperclip shop",
    unit="JPY",
    zone=ZoneInfo("Asia/Tokyo"),
    engine="postgresql",
    facts=FACTS,
    rules=RULES,
    subjects=SUBJECTS,
    corrections=CORRECTIONS,
    probes=PROBES,
    runbook=RUNBOOK,
    pages=PAGES,
    jobs=(),
    indexes=(
        Requirement(
            name="payments_paid_at",
            statement="create index concurrently if not exists payments_paid_at on payments (paid_at)",
            cost="A window reads every payment there is.",
        ),
    ),
    demo=DEMO,
    switches=SWITCHES,
)
