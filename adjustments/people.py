"""The people of a request, as far as it must know them: who may decide it, and who may not, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from adjustments.benefits import benefits_as
from adjustments.models import DECISIVE, Adjustment
from audit.log import Actor
from billingadmin.audience import Capability


class Person(Protocol):
    pk: Any
    name: str
    email: str

    @property
    def actor(self) -> Actor: ...

    def may(self, capability: Capability) -> bool: ...

    def prove(self, *, about: str, word: str = "", key: str = "", now: datetime) -> None: ...


def hands(adjustment: Adjustment) -> set[Any]:
    """The keys of those who proposed it or edited any revision of it."""
    return {adjustment.proposed_by_id, *adjustment.contributors.values_list("person_id", flat=True)}


def approver_count() -> int:
    """How many there are who decide."""
    return sum(person.may("decide") for person in get_user_model().objects.active().prefetch_related("grants"))


@dataclass(frozen=True)
class Voter:
    """An approver beside one request. ``why_not`` is empty for whoever may approve it now."""

    person: Person
    why_not: str


def voters(adjustment: Adjustment, also: Callable[[Person], str] = lambda person: "") -> list[Voter]:
    """Every approver, those who may first. ``also`` gives further reasons why one may not, such as a cap."""
    said = adjustment.decisions.filter(revision=adjustment.revision, verdict__in=DECISIVE)
    spoken = dict(said.values_list("person_id", "verdict"))
    involved = hands(adjustment)

    def why_not(person: Person) -> str:
        if person.pk == adjustment.proposed_by_id:
            return _("proposed it")
        if person.pk in involved:
            return _("edited it")
        if person.pk in spoken:
            return _("has decided already")
        if benefits_as(person, adjustment.content):
            return _("benefits from it")
        return _unable(person) or also(person)

    return _listed(why_not)


def voters_besides(proposer: Person, also: Callable[[Person], str] = lambda person: "") -> list[Voter]:
    """The same for what somebody is about to propose."""
    return _listed(lambda person: _("proposes it") if person.pk == proposer.pk else _unable(person) or also(person))


def _unable(person: Person) -> str:
    if not person.may("decide"):
        return _("disabled")
    return "" if getattr(person, "second_factor", True) else _("has no second factor yet")


def _listed(why_not: Callable[[Person], str]) -> list[Voter]:
    holders = get_user_model().objects.filter(grants__role="approver").distinct().by_name().prefetch_related("grants")
    return sorted((Voter(person, why_not(person)) for person in holders), key=lambda voter: bool(voter.why_not))
