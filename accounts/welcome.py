"""The first message to somebody who was admitted: a link with which they, and nobody else, set their password."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Kind, Person, PersonChange


def welcome(change: PersonChange, request: HttpRequest) -> str:
    """Mails the link when this change admitted somebody, and says where it went; else nothing.

    The link is not shown to the admins: who could set an approver's password could approve.
    """
    if change.kind != Kind.ADMIT:
        return ""
    person = change.person
    with translation.override(person.language):
        link = request.build_absolute_uri(password_link(person))
        text = render_to_string("accounts/welcome.txt", {"person": person, "link": link})
        send_mail(_("Your sign-in for the billing console"), text, None, [person.email])
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return (
            _("%s is in. No mail server is set, so the link for the password is in the server's output.") % person.name
        )
    return _("%(name)s is in. The link for the password went to %(email)s.") % {
        "name": person.name,
        "email": person.email,
    }


def password_link(person: Person) -> str:
    """Works once, until the password is set, for as long as PASSWORD_RESET_TIMEOUT says."""
    key = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    return reverse("account_reset_password_from_key", kwargs=key)
