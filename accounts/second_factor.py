"""The second factor: whoever decides about money or about people has one. Until then there is only this to do."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.models import ENROLMENT, Person
from audit.log import record

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Adapter(DefaultMFAAdapter):
    """allauth's questions about our second factors."""

    def get_totp_issuer(self) -> str:
        return "Billing admin"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last one of somebody whose roles ask for one."""
        others = Authenticator.objects.filter(user=authenticator.user_id, type__in=FACTORS).exclude(pk=authenticator.pk)
        owner = Person.objects.get(pk=authenticator.user_id)
        return not owner.must_have_second_factor or others.exists()


def send_to_enrolment(request: HttpRequest) -> HttpResponse:
    """In place of the page that was asked for."""
    messages.warning(
        request, _("Approvers and admins have a second factor. Set it up here, and the console opens for you.")
    )
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": ENROLMENT})
    return redirect(ENROLMENT)


# What is recorded: which kind of factor, never a secret or a code -----------------------------------------------------


def record_added(request: HttpRequest, user: Person, authenticator: Authenticator, **details: object) -> None:
    _record("second_factor_added", request, user, authenticator)


def record_removed(request: HttpRequest, user: Person, authenticator: Authenticator, **details: object) -> None:
    _record("second_factor_removed", request, user, authenticator)


def record_reset(request: HttpRequest, user: Person, authenticator: Authenticator, **details: object) -> None:
    _record("second_factor_made_anew", request, user, authenticator)


def record_wrong(
    request: HttpRequest, user: Person, authenticator: Authenticator | None = None, **details: object
) -> None:
    _record("second_factor_refused", request, user, authenticator, outcome="refused")


def _record(
    action: str, request: HttpRequest, person: Person, factor: Authenticator | None, outcome: str = "done"
) -> None:
    with transaction.atomic():
        record(
            actor=person.actor,
            action_type=action,
            target_type="person",
            target_id=str(person.pk),
            outcome=outcome,
            metadata={"address": request.META.get("REMOTE_ADDR", ""), "factor": factor.type if factor else None},
        )
