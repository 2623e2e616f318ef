"""A scope in words: what of which system, whose, and from which amount on."""

from django.utils.translation import gettext as _

from adjustments.freezes.models import Freeze, Scope
from adjustments.wording import correction_title, label_of
from billingadmin.amounts import Amount


def words(scope: Scope | Freeze) -> str:
    told = [_what(scope)]
    if scope.customer:
        told.append(_("customer %s") % scope.customer)
    if scope.from_amount is not None:
        told.append(_("from %s on") % Amount(scope.from_amount, scope.unit))
    return " · ".join(told)


def _what(scope: Scope | Freeze) -> str:
    if not scope.system:
        return _("All systems")
    if not scope.correction:
        return label_of(scope.system)
    return f"{label_of(scope.system)}: {correction_title(scope.system, scope.correction)}"
