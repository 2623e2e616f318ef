"""The room's words for what a request is about; its codes where the room no longer has them."""

from django.utils.translation import gettext as _

from adjustments.models import Adjustment
from systems import registry
from systems.base import Correction, NotOffered


def correction_of(adjustment: Adjustment) -> Correction | None:
    try:
        return registry.get(adjustment.system).correction(adjustment.correction)
    except (registry.UnknownSystem, NotOffered):
        return None


def title_of(adjustment: Adjustment) -> str:
    correction = correction_of(adjustment)
    return str(correction.title) if correction else adjustment.correction


def label_of(slug: str) -> str:
    try:
        return str(registry.get(slug).label)
    except registry.UnknownSystem:
        return slug


def rule_title(slug: str, code: str) -> str:
    try:
        return str(registry.get(slug).rule(code).title)
    except (registry.UnknownSystem, NotOffered):
        return code


def kind_label(slug: str, kind: str) -> str:
    try:
        return str(registry.get(slug).subject_kind(kind).label)
    except (registry.UnknownSystem, NotOffered):
        return kind or _("subject")
