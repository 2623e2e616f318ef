"""The people of a request, as far as it must know them: who may decide it, and who may not, and why."""

from datetime import datetime
from typing import Any, Protocol

from django.contrib.auth import get_user_model

from adjustments.models import Adjustment
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


def approvers(adjustment: Adjustment) -> list[Person]:
    """Who may approve it now."""
    involved = hands(adjustment)
    everybody = get_user_model().objects.active().by_name().prefetch_related("grants")
    return [person for person in everybody if person.pk not in involved and person.may("decide")]


def approver_count() -> int:
    """How many there are who decide."""
    return sum(person.may("decide") for person in get_user_model().objects.active().prefetch_related("grants"))
