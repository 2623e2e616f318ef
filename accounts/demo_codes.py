"""The codes that the demo's people would read from their phones. Only the demo has this page, as it has no secrets."""

import time
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.demo import CAST, Member, totp_secret
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, page_or_fragment

PERIOD = 30  # seconds that a code lasts


@dataclass(frozen=True)
class Phone:
    """What the app on the phone of one of the cast shows."""

    member: Member
    code: str


@never_cache
@require_GET
@audience("public")
def demo_codes(request: HtmxHttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    if "plain" in request.GET:
        lines = [f"  {phone.member.email:<34}  {phone.code}" for phone in phones()]
        return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
    context = {"phones": phones(), "seconds": PERIOD - int(time.time()) % PERIOD}
    return page_or_fragment(request, "accounts/demo_codes.html", context, fragment="codes")


def phones() -> list[Phone]:
    enrolled = Authenticator.objects.filter(type=Authenticator.Type.TOTP).values_list("user__email", flat=True)
    held = set(enrolled)
    return [Phone(member, code_of(member)) for member in CAST.values() if member.email in held]


def code_of(member: Member) -> str:
    return auth.format_hotp_value(auth.hotp_value(totp_secret(member), int(time.time()) // PERIOD))
