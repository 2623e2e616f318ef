"""The room's words for what a request is about; its codes where the room no longer has them."""

from django.utils.translation import gettext as _

from adjustments.models import Adjustment
from anomalies.rooms import kind_of, named, system_of
from systems import registry
from systems.base import Correction, NotOffered


def correction_of(adjustment: Adjustment) -> Correction | None:
    return _correction(adjustment.system, adjustment.correction)


def title_of(adjustment: Adjustment) -> str:
    return correction_title(adjustment.system, adjustment.correction)


def correction_title(slug: str, code: str) -> str:
    correction = _correction(slug, code)
    return str(correction.title) if correction else code


def _correction(slug: str, code: str) -> Correction | None:
    try:
        return registry.get(slug).correction(code)
    except (registry.UnknownSystem, NotOffered):
        return None


def label_of(slug: str) -> str:
    system = system_of(slug)
    return str(system.label) if system else slug


def rule_title(slug: str, code: str) -> str:
    return str(named(slug, code).title)


def kind_label(slug: str, kind: str) -> str:
    found = kind_of(system_of(slug), kind)
    return str(found.label) if found else kind or _("subject")
