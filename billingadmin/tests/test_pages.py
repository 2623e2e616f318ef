"""The skeleton of every page, the pages for what went wrong, and the rules that hold for every template."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.template import engines
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from billingadmin import errors, reader

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(
    [
        *ROOT.glob("templates/**/*.html"),
        *ROOT.glob("*/templates/**/*.html"),
        *ROOT.glob("systems/*/templates/**/*.html"),
    ]
)

pytestmark = pytest.mark.django_db


class Person(SimpleNamespace):
    is_authenticated = True
    pk = 1

    def may(self, capability):
        return capability in self.capabilities

    def __str__(self):
        return "Mai <Sato>"


def person(*capabilities, **fields):
    return Person(
        **{
            "capabilities": capabilities,
            "roles": {"support"},
            "zone": "Asia/Tokyo",
            "language": "en",
            "theme": "",
            **fields,
        }
    )


@pytest.fixture
def written(rf):
    def rendered(user, template="base.html", path="/anomalies/7/", **context):
        request = rf.get(path)
        request.user, request.id, request.htmx = user, "r-1", False
        return render_to_string(template, context, request)

    return rendered


def test_a_page_says_where_one_is_working(written, settings):
    settings.ENVIRONMENT = "staging <2>"

    assert "staging &lt;2&gt;" in written(person("read"))


# The reader's zone, language and theme


@pytest.fixture
def as_before():
    with translation.override("en"), timezone.override("UTC"):
        yield


@pytest.mark.parametrize(
    ("fields", "zone", "language"),
    [
        ({"zone": "Asia/Tokyo", "language": "ja"}, "Asia/Tokyo", "ja"),
        ({"zone": "", "language": ""}, "UTC", "en"),
        ({"zone": "Nowhere/Land", "language": "tlh"}, "UTC", "en"),
        ({"zone": "../../etc/passwd", "language": "en"}, "UTC", "en"),
    ],
)
def test_a_person_reads_in_their_own_zone_and_language(rf, as_before, fields, zone, language):
    seen = []
    request = rf.get("/")
    request.user = person(**fields)

    reader.reader_middleware(lambda _: seen.append((timezone.get_current_timezone_name(), translation.get_language())))(
        request
    )

    assert seen == [(zone, language)]


def test_who_is_not_signed_in_reads_in_the_browsers_language(rf, as_before):
    request = rf.get("/")
    request.user = AnonymousUser()
    translation.activate("ja")

    reader.reader_middleware(lambda _: None)(request)

    assert translation.get_language() == "ja"


def test_the_page_says_its_language_and_theme(written):
    with translation.override("ja"):
        text = written(person("read", theme="dark"))

    assert '<html lang="ja" data-theme="dark">' in text


# What went wrong


def test_a_refusal_gives_its_reason(written, rf):
    request = rf.get("/")
    request.user, request.id = person("read"), "r-1"

    answer = errors.permission_denied(request, PermissionDenied("Approvers decide; you are <support>."))

    assert answer.status_code == 403
    assert "you are &lt;support&gt;." in answer.text
    assert "r-1" in answer.text


@pytest.mark.parametrize(("handler", "status"), [(errors.permission_denied, 403), (errors.not_found, 404)])
def test_who_is_signed_in_keeps_navigation_search_and_a_way_back(rf, handler, status):
    request = rf.get("/people/", headers={"Referer": "http://testserver/anomalies/?state=open"})
    request.user, request.id, request.htmx = person("read"), "r-3", False

    answer = handler(request, PermissionDenied())

    assert answer.status_code == status
    assert 'href="/adjustments/"' in answer.text
    assert 'action="/search/"' in answer.text
    assert 'href="http://testserver/anomalies/?state=open"' in answer.text
    assert "r-3" in answer.text


@pytest.mark.parametrize(
    "came_from", ["https://elsewhere.example/", "javascript:alert(1)", "http://testserver/here/", ""]
)
def test_the_way_back_leads_to_another_page_of_the_console_or_there_is_none(rf, came_from):
    request = rf.get("/here/", headers={"Referer": came_from})
    request.user = AnonymousUser()

    assert f'href="{came_from or "-"}"' not in errors.not_found(request, Exception()).text


@pytest.mark.parametrize("handler", [errors.permission_denied, errors.not_found])
def test_a_refusal_is_told_plainly_when_the_database_does_not_answer(rf, handler):
    def down():
        raise OperationalError("down")

    request = rf.get("/here/")
    request.user, request.id = SimpleLazyObject(down), "r-4"

    answer = handler(request, PermissionDenied("Not yours."))

    assert answer.status_code in (403, 404)
    assert 'action="/search/"' not in answer.text
    assert "r-4" in answer.text


@pytest.mark.parametrize(("failure", "status"), [(OperationalError("down"), 503), (ValueError("ours"), 500)])
def test_a_failure_of_ours_is_told_from_a_database_that_is_down(rf, failure, status, django_assert_num_queries):
    request = rf.get("/")
    request.id = "r-2"
    try:
        raise failure
    except type(failure):
        answer = errors.server_error(request)

    assert answer.status_code == status
    assert "r-2" in answer.text
    assert ("Retry-After" in answer) is (status == 503)


@pytest.mark.parametrize("handler", [errors.bad_request, errors.not_found])
def test_other_errors_have_a_page(rf, handler):
    request = rf.get("/")
    request.user = AnonymousUser()

    assert "Billing admin" in handler(request, Exception("internal detail")).text
    assert "internal detail" not in handler(request, Exception("internal detail")).text


def test_too_many_tries_are_told_to_wait(rf):
    request = rf.post("/accounts/login/")
    request.user = AnonymousUser()

    answer = respond_429(request)

    assert answer.status_code == 429
    assert "Wait five minutes" in answer.text


def test_an_address_that_is_not_there_and_a_form_that_is_too_old(client):
    from django.test import Client

    assert "There is nothing here" in client.get("/no/such/page/").text
    assert "too old" in Client(enforce_csrf_checks=True).post("/accounts/login/").text


# Every template


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_compiles_and_carries_no_script_or_style_of_its_own(path):
    text = path.read_text(encoding="utf-8")

    engines["django"].from_string(text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|https?://(?!www\.w3\.org)", text)
    assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", text))


def class_names(text):
    """Those written out in full; what a template works out is left aside."""
    for names in re.findall(r'\bclass="((?:[^"{]|{[^}]*}+)*)"', text):
        yield from re.sub(r"{%.*?%}|{{.*?}}", " ", names).split()


def test_the_stylesheet_knows_every_class():
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", (ROOT / "static/app.css").read_text(encoding="utf-8")))
    used = {(name, path.name) for path in TEMPLATES for name in class_names(path.read_text(encoding="utf-8"))}

    assert not {pair for pair in used if pair[0] not in known}


def test_every_message_of_a_form_is_tied_to_its_field():
    from django import forms

    class Reason(forms.Form):
        reason = forms.CharField(help_text="Why?")
        sure = forms.BooleanField(required=False)

    text = get_template("parts/form.html").render({"form": Reason({"reason": ""})})

    assert 'aria-invalid="true"' in text
    described = re.search(r'aria-describedby="([^"]+)"', text)[1].split()
    assert all(f'id="{identity}"' in text for identity in described)
    assert described
