"""A security key (WebAuthn) answers for one decision: what it is asked is bound to the content and to this session."""

import json
import time
from typing import TYPE_CHECKING, Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBadRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from billingadmin.audience import audience

if TYPE_CHECKING:
    from accounts.models import Person

ASKED = "step_up.asked"
LASTS = 300  # seconds


def has_one(person: "Person") -> bool:
    return Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN).exists()


@never_cache
@require_GET
@audience("signed_in")
def ask(request: HttpRequest) -> JsonResponse | HttpResponseBadRequest:
    """What the browser hands to the key; the answer comes back with the form of the decision."""
    from allauth.mfa.webauthn.internal import auth

    about = request.GET.get("about", "")
    if not about or not has_one(request.user):
        return HttpResponseBadRequest()
    options = auth.begin_authentication(request.user)
    request.session[ASKED] = {"about": about, "at": int(time.time())}
    return JsonResponse({"request_options": options})


def answered(person: "Person", *, about: str, answer: str) -> bool:
    """Whether a key of this person answered what this session was asked for this content, a moment ago. Asked once."""
    from allauth.mfa.webauthn.internal import auth

    asked: dict[str, Any] = context.request.session.pop(ASKED, None) or {}
    fresh = asked.get("about") == about and 0 <= time.time() - asked.get("at", 0) < LASTS
    try:
        response = json.loads(answer)
        if not fresh or not isinstance(response, dict):
            return False
        auth.complete_authentication(person, response).record_usage()
    except (ValidationError, ValueError, TypeError, KeyError):
        return False
    finally:
        auth.clear_state()
    return True
