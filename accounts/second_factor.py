"""The second factor: whoever decides about money or about people has one. Until then there is only this to do."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.models import ENROLMENT, Person

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
