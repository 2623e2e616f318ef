"""Signing in through the house's directory (OpenID Connect): whom it sends, and what becomes of that.

Being known to the directory admits nobody and grants nothing: a second voice is needed, an admin's.
"""

from typing import Any

from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from requests import RequestException, Response, Session

from accounts.memberships import Contradiction, Membership, Said, said
from accounts.models import Person
from audit.log import Actor, record

PATIENCE = 5  # seconds
DIRECTORY = Actor("directory", "the directory")


class Refused(Exception):
    """Nobody comes in this way; the text is for the person who tried, the cause for the audit log."""

    def __init__(self, cause: str, sentence: str, person: Person | None = None) -> None:
        super().__init__(sentence)
        self.cause, self.person = cause, person


class Adapter(DefaultSocialAccountAdapter):
    """allauth's questions about the directory."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        try:
            arrived(request, sociallogin)
        except Refused as refusal:
            record_refusal(request, refusal, sociallogin.account.uid)
            page = render(request, "socialaccount/refused.html", {"sentence": str(refusal)}, status=403)
            raise ImmediateHttpResponse(page) from refusal

    def on_authentication_error(self, request: HttpRequest, provider: Any, **details: Any) -> None:
        exception = details.get("exception")
        cause = type(exception).__name__ if exception else str(details.get("error") or "")
        record_refusal(request, Refused(f"provider: {cause}", ""), "")

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def get_requests_session(self) -> Session:
        return Line()


class Line(Session):
    """To the provider: whatever goes wrong on it is answered with one page, where allauth would fall over."""

    def request(self, *args: Any, **options: Any) -> Response:
        try:
            answer = super().request(*args, **{"timeout": PATIENCE, **options})
            answer.raise_for_status()
            answer.json()
        except RequestException as exception:
            raise ImmediateHttpResponse(unanswered(exception)) from exception
        return answer


def unanswered(exception: RequestException) -> HttpResponse:
    refused = exception.response is not None and exception.response.status_code < 500
    record_refusal(context.request, Refused(f"provider: {type(exception).__name__}", ""), "")
    page = "socialaccount/authentication_error.html"
    return render(context.request, page, status=401 if refused else 503)


def arrived(request: HttpRequest, login: SocialLogin) -> None:
    """Somebody whom the directory vouches for: found among the people here, or told why not."""
    if login.state.get("process") != "login":
        raise Refused("process", _("The directory is for signing in; it cannot be joined to an account by hand."))
    told = heard(login)
    with transaction.atomic():
        person = known(login) or matched(login, told)
        login.account.extra_data = {}  # what is needed of it is kept as a membership
        login.account.save()
        remember(person, told, request)
    if not person.is_active:
        raise Refused("inactive", _("You are known here, but not admitted, or disabled. An admin can tell."), person)


def heard(login: SocialLogin) -> Said:
    try:
        told = said(login.account.extra_data)
    except Contradiction as contradiction:
        raise Refused("contradiction", _("The directory contradicts itself about who you are.")) from contradiction
    if told.groups is None:
        raise Refused(
            "no groups claim",
            _("The directory did not say in which groups you are, so nobody can tell what you may do here."),
        )
    domains = [domain.lower() for domain in settings.OIDC_EMAIL_DOMAINS]
    if domains and told.email.rpartition("@")[2] not in domains:
        raise Refused("domain", _("Only confirmed addresses of this house come in through the directory."))
    return told


def known(login: SocialLogin) -> Person | None:
    """By the subject id, which stays when somebody's name or address changes."""
    return Person.objects.get(pk=login.user.pk) if login.is_existing else None


def matched(login: SocialLogin, told: Said) -> Person:
    """By an address that the directory vouches for, and only while nobody else came under it."""
    person = Person.objects.select_for_update().filter(email=told.email).first() if told.email else None
    if not person:
        raise stranger(told)
    if SocialAccount.objects.filter(user=person).exists():
        raise Refused(
            "other subject",
            _("Somebody else of the directory already signs in under this address. Ask an admin."),
            person,
        )
    login.user = login.account.user = person
    return person


def stranger(told: Said) -> Refused:
    if not told.email:
        return Refused(
            "unverified", _("The directory does not vouch for your e-mail address, so nobody is found by it.")
        )
    if told.roles:
        return Refused("stranger", _("Nobody here has your address yet. Ask an admin to add you on the People page."))
    return Refused("stranger", _("You are in none of the groups that come in here. Ask whoever keeps the directory."))


def remember(person: Person, told: Said, request: HttpRequest) -> None:
    """Keeps what the directory says, and records it."""
    word = {"groups": list(told.groups or ()), "roles": sorted(told.roles), "said_at": timezone.now()}
    before = Membership.objects.filter(person=person).first()
    Membership.objects.update_or_create(person=person, defaults=word)
    record(
        actor=DIRECTORY,
        action_type="directory_said",
        target_type="person",
        target_id=str(person.pk),
        metadata={
            "subject": told.subject,
            "address": request.META.get("REMOTE_ADDR", ""),
            "before": {"groups": before.groups, "roles": before.roles} if before else {},
            "after": {"groups": word["groups"], "roles": word["roles"]},
        },
    )


def record_refusal(request: HttpRequest, refusal: Refused, subject: str) -> None:
    with transaction.atomic():
        record(
            actor=DIRECTORY,
            action_type="directory_sign_in_refused",
            target_type="person" if refusal.person else "",
            target_id=str(refusal.person.pk) if refusal.person else "",
            outcome="refused",
            reason=str(refusal),
            metadata={"cause": refusal.cause, "subject": subject, "address": request.META.get("REMOTE_ADDR", "")},
        )


def belongs(person: Person) -> bool:
    """Whether this person signs in through the directory, now that it is on."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS) and SocialAccount.objects.filter(user=person).exists()


def sent_there(request: HttpRequest, person: Person) -> HttpResponse:
    """A password that outlives somebody's place in the directory must not be a way round it."""
    sentence = _("You belong to the directory: sign in through it. A password here opens for admins alone.")
    record_refusal(request, Refused("password", sentence, person), "")
    return render(request, "socialaccount/refused.html", {"sentence": sentence}, status=403)
