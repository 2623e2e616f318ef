import pytest

from anomalies import triage
from anomalies.factories import AnomalyFactory, NoteFactory
from anomalies.models import Note
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly():
    return AnomalyFactory()


def test_a_note_keeps_who_said_what_when(support, anomaly):
    triage.note(anomaly=anomaly, by=support, text=" Asked the bank.\n", now=NOW)

    note = Note.objects.get()
    assert (note.author, note.text, note.at) == (support, "Asked the bank.", NOW)
    assert entries(anomaly)[0].action_type == "anomaly_noted"


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "note", anomaly)


def test_it_refuses_who_may_not_triage(manager_client, anomaly):
    assert refuses(manager_client, "note", anomaly, **{"note-text": "Hello."})


def test_an_answered_anomaly_can_still_be_spoken_about(support, support_client):
    anomaly = AnomalyFactory(settled=True)

    assert said(page(support_client, "note", anomaly, **{"note-text": "It came in cash."})) == ["Noted."]


def test_nothing_is_no_note(support_client, anomaly):
    answer = page(support_client, "note", anomaly, **{"note-text": " \n"})

    assert answer.status_code == 422
    assert "This field is required." in answer.text
    assert not Note.objects.exists()


@pytest.mark.parametrize("text", ["\u200b\u200b", "\u2066Paid.\u2069", "–"])
def test_a_note_is_for_others_to_read(support, anomaly, text):
    with pytest.raises(triage.Unfit):
        triage.note(anomaly=anomaly, by=support, text=text, now=NOW)


def test_markup_in_a_note_is_text(support, support_client, anomaly):
    NoteFactory(anomaly=anomaly, author=support, text="<script>alert(1)</script>")

    assert "<script>alert(1)" not in support_client.get(f"/anomalies/{anomaly.pk}/").text
