"""The Japanese catalogue: whole, true to its placeholders, compiled, and read by whoever asked for Japanese."""

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import pgettext

from billingadmin import charts
from billingadmin.tests.catalogue import JAPANESE, read

ROOT = Path(settings.BASE_DIR)
NAMED = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[a-zA-Z%]|</?\w+>")
WRITTEN_IN = {"accounts", "adjustments", "anomalies", "audit", "billingadmin", "health", "jobs", "systems"}
NOT_EXTRACTED = shutil.ignore_patterns("tests", "__pycache__")
GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
HOW = "Extract and translate: see “Words” in CONTRIBUTING.md."


@pytest.fixture(scope="module")
def japanese():
    return read()


# The catalogue -------------------------------------------------------------------------------------------------------


def test_every_message_is_translated(japanese):
    assert len(japanese) > 1000
    assert [str(message) for message in japanese if not message.translation or "fuzzy" in message.flags] == []


def test_every_placeholder_and_tag_is_in_the_translation_too(japanese):
    def named(text):
        return Counter(NAMED.findall(text))

    off = [
        str(message)
        for message in japanese
        if named(message.words.get("msgid_plural", message.text)) != named(message.translation)
    ]
    assert off == []


def test_placeholders_without_a_name_keep_their_order(japanese):
    def bare(text):
        return [found for found in NAMED.findall(text) if found[0] == "%" and "(" not in found and found != "%%"]

    off = [
        str(message)
        for message in japanese
        if "python-format" in message.flags and bare(message.text) != bare(message.translation)
    ]
    assert off == []


def test_the_compiled_catalogue_is_the_written_one(japanese):
    with JAPANESE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog

    written = {message.compiled_key: message.translation for message in japanese}
    assert {key: text for key, text in compiled.items() if key} == written


def test_no_message_hides_in_an_f_string_where_xgettext_does_not_look():
    hidden = [
        f"{path}:{call.lineno}"
        for path in sorted(ROOT.glob("*/**/*.py"))
        if path.relative_to(ROOT).parts[0] in WRITTEN_IN
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in GETTEXT
    ]
    assert hidden == []


@pytest.mark.skipif(not shutil.which("xgettext"), reason="gettext is not installed")
def test_the_catalogue_has_every_message_of_the_console_and_no_other(tmp_path, japanese):
    for folder in [*WRITTEN_IN, "templates"]:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=NOT_EXTRACTED)
    (tmp_path / "locale").mkdir()
    django = [sys.executable, "-m", "django", "makemessages", "--locale=ja", "--settings=billingadmin.settings"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "SECRET_KEY": "extracting"}

    subprocess.run(django, cwd=tmp_path, env=environment, check=True, capture_output=True)

    extracted = {message.key for message in read(tmp_path / "locale/ja/LC_MESSAGES/django.po")}
    written = {message.key for message in japanese}
    assert (extracted - written, written - extracted) == (set(), set()), HOW


# Days ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said", "short"),
    [("en", "Saturday, 21 November 2026", "Nov 21"), ("ja", "2026年11月21日(土)", "11/21")],
)
def test_a_day_is_said_as_the_language_says_it(language, said, short):
    day = date(2026, 11, 21)
    with translation.override(language):
        assert date_format(day, pgettext("a day in full", "l, j F Y")) == said
        assert charts.moment_label(day, short=True) == short


@pytest.fixture
def saturday():
    with time_machine.travel("2026-11-20T18:05Z", tick=False):  # in Tokyo
        yield


def test_today_says_its_day_in_the_readers_language(saturday, reader):
    assert "2026年11月21日(土)。" in reader.get("/").text


# Screens -------------------------------------------------------------------------------------------------------------

ENGLISH = re.compile(
    r"\b(Anomal(y|ies)|Adjustments?|Propose[ds]?|Approve[ds]?|Reject(ed)?|Today|Health|Search|Severity|State|Owner|"
    r"Timeline|Notes?|Evidence|Preview|Runbook|Filter|Save|Sign out|ago|open|critical|warning|ok|Settings|Reason|Why)\b"
)
TEXT_ATTRIBUTES = {"aria-label", "title", "placeholder", "alt", "data-confirm", "data-label"}


class Words(HTMLParser):
    """What a reader, or a reader's screen reader, meets on a page: without code, ids and addresses."""

    def __init__(self):
        super().__init__()
        self.texts, self.silent = [], []

    def handle_starttag(self, tag, attributes):
        if tag in ("code", "script", "style", "svg") or dict(attributes).get("class") == "id":
            self.silent.append(tag)
        self.texts += [text for name, text in attributes if name in TEXT_ATTRIBUTES]

    def handle_endtag(self, tag):
        if self.silent and self.silent[-1] == tag:
            self.silent.pop()

    def handle_data(self, data):
        if not self.silent:
            self.texts.append(" ".join(data.split()))


def words(page):
    assert page.status_code == 200
    parser = Words()
    parser.feed(page.text)
    return [text for text in parser.texts if text]


@pytest.fixture
def reader(support, support_client):
    type(support).objects.filter(pk=support.pk).update(language="ja", zone="Asia/Tokyo")
    return support_client


@pytest.fixture
def anomaly(db):
    from anomalies.detection import detect
    from anomalies.models import Anomaly
    from audit.log import SYSTEM_ACTOR
    from systems.imagegen.factories import ConsumptionFactory, CreditsFactory, JobFactory
    from systems.imagegen.system import SYSTEM

    ConsumptionFactory(job=JobFactory(failed=True), amount=-50)
    CreditsFactory()
    detect(SYSTEM, now=datetime(2026, 11, 2, 12, tzinfo=UTC), actor=SYSTEM_ACTOR, whole=True)
    return Anomaly.objects.get()


@pytest.fixture
def adjustment(anomaly, support):
    from adjustments import drafting, workflow

    target, now = drafting.for_anomaly(anomaly, "post_refund"), anomaly.checked_at
    seen = drafting.draft(target, now=now).seen
    reason = "返金が行われていない。"
    return workflow.propose(target=target, proposer=support, reason=reason, seen=seen, now=now)


@pytest.mark.parametrize("screen", ["today", "anomalies:queue", "anomaly", "adjustments:adjustments", "adjustment"])
def test_a_japanese_reader_meets_no_english(screen, reader, anomaly, adjustment, japanese):
    paths = {"anomaly": f"/anomalies/{anomaly.pk}/", "adjustment": adjustment.get_absolute_url()}

    shown = words(reader.get(paths.get(screen) or reverse(screen)))

    ours = {message.text for message in japanese if message.text != message.translation}
    untranslated = {text for text in ours if text != text.lower() or " " in text}  # "failed" is the source's word too
    assert [text for text in shown if text in untranslated or ENGLISH.search(text)] == []
    assert any(re.search("[ぁ-んァ-ン一-龥]", text) for text in shown)
