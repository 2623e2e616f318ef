from datetime import timedelta

import pytest

from anomalies import triage
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, row, said

pytestmark = pytest.mark.django_db

WHY = {"reason": "expected", "note": "A gift for the fair."}
FORM = {f"dismiss-{name}": value for name, value in WHY.items()}


@pytest.fixture
def anomaly():
    return AnomalyFactory()


def again(anomaly):
    return Anomaly.objects.get(pk=anomaly.pk)


def test_dismissing_keeps_who_when_why_and_the_facts_as_they_were(support, anomaly):
    triage.dismiss(anomaly=anomaly, by=support, now=NOW, **WHY)

    found = again(anomaly)
    assert (found.state, found.dismissal, found.decision_note) == ("dismissed", "expected", "A gift for the fair.")
    assert (found.decided_by, found.decided_at, found.decided_digest) == (support, NOW, anomaly.facts_digest)


def test_it_is_recorded_with_before_and_after(support, anomaly):
    triage.dismiss(anomaly=anomaly, by=support, now=NOW, **WHY)

    (entry,) = entries(anomaly)
    assert (entry.action_type, entry.reason) == ("anomaly_dismissed", "A gift for the fair.")
    assert entry.metadata["before"] == {"decision": "open"}
    assert entry.metadata["after"]["dismissal"] == "expected"


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "dismiss", anomaly)


@pytest.mark.parametrize("who", ["manager", "auditor", "admin"])
def test_it_refuses_who_may_not_triage(request, who, anomaly):
    assert refuses(request.getfixturevalue(f"{who}_client"), "dismiss", anomaly, **FORM)

    assert again(anomaly).state == "open"


def test_it_stays_calm_when_the_same_person_did_it_already(support, support_client, anomaly):
    triage.dismiss(anomaly=anomaly, by=support, now=NOW, **WHY)

    assert said(page(support_client, "dismiss", anomaly, **FORM)) == ["You had dismissed it already."]
    assert len(entries(anomaly)) == 1


def test_the_second_person_is_told_who_was_first(support, approver, anomaly):
    triage.dismiss(anomaly=anomaly, by=support, now=NOW, **WHY)

    with pytest.raises(triage.AlreadyDecided, match=f"dismissed already, by {support.name}, 5 minutes ago"):
        triage.dismiss(anomaly=anomaly, by=approver, now=NOW + timedelta(minutes=5), **WHY)


def test_what_another_has_claimed_is_theirs_to_dismiss(support, approver):
    anomaly = AnomalyFactory(owner=support, claimed_at=NOW)

    with pytest.raises(triage.AlreadyClaimed, match=support.name):
        triage.dismiss(anomaly=anomaly, by=approver, now=NOW, **WHY)


def test_a_decision_about_facts_that_moved_is_refused(support_client, anomaly):
    answer = page(support_client, "dismiss", anomaly, **FORM, **{"dismiss-seen": "as it was when I looked"})

    assert said(answer) == ["The facts changed while you looked at it. Read them again before you decide."]
    assert again(anomaly).state == "open"


def test_a_snooze_may_be_followed_by_a_dismissal(support):
    anomaly = AnomalyFactory(snoozed=True, by=support)

    triage.dismiss(anomaly=anomaly, by=support, now=NOW, **WHY)

    assert (again(anomaly).state, again(anomaly).snoozed_until) == ("dismissed", None)


@pytest.mark.parametrize(
    ("wrong", "said_of_it"),
    [
        ({"dismiss-reason": ""}, "This field is required."),
        ({"dismiss-reason": "boredom"}, "boredom is not one of the available choices"),
        ({"dismiss-note": "  "}, "This field is required."),
        ({"dismiss-note": "A gift\u2060."}, "It holds a character that cannot be seen (U+2060)"),
    ],
)
def test_a_form_that_makes_no_sense_comes_back_with_what_was_typed(support_client, anomaly, wrong, said_of_it):
    answer = page(support_client, "dismiss", anomaly, **{**FORM, **wrong})

    assert answer.status_code == 422
    assert said_of_it in answer.text
    assert wrong.get("dismiss-note") or "A gift for the fair." in answer.text
    assert again(anomaly).state == "open"


def test_without_htmx_it_leads_back_to_the_page(support_client, anomaly):
    answer = page(support_client, "dismiss", anomaly, **FORM)

    assert answer.redirect_chain == [(f"/anomalies/{anomaly.pk}/", 302)]
    assert said(answer) == ["Dismissed."]
    assert "A gift for the fair." in answer.text


def test_for_htmx_it_is_the_row_as_it_now_is(support_client, anomaly):
    assert 'data-state="dismissed"' in row(support_client, "dismiss", anomaly, **FORM).text
