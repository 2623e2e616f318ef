"""The log to read: newest first, filtered, one entry, verified and exported."""

import csv
import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from audit.factories import AIKO, make_entry
from audit.log import Actor
from audit.models import Entry
from billingadmin.paging import SIZE

pytestmark = pytest.mark.django_db

READERS = ["support", "approver", "manager", "auditor"]
LIST = "/audit/"


def shown(answer):
    return [entry.position for entry in answer.context["page"].rows]


@pytest.fixture
def three(manager_client):
    """After the cast's own entries."""
    return (
        make_entry(
            action_type="anomaly_dismissed", target_type="anomaly", target_id=12, system="imagegen", reason="Trial"
        ),
        make_entry(
            action_type="ledger_row_posted", job_id="6f1c-aa", tx_id="tx-9", target_type="adjustment", target_id=4
        ),
        make_entry(
            actor=Actor("job:detect", "detect"), action_type="detected", outcome="failed", correlation_id="run-77"
        ),
    )


@pytest.mark.parametrize("who", READERS)
def test_whoever_reads_the_trade_reads_the_log(who, request):
    assert request.getfixturevalue(f"{who}_client").get(LIST).status_code == 200


def test_admins_do_not_read_the_trade(admin_client):
    assert admin_client.get(LIST).status_code == 403


def test_the_newest_comes_first(manager_client, three):
    answer = manager_client.get(LIST)

    assert shown(answer)[:3] == [entry.position for entry in reversed(three)]
    assert "Anomaly dismissed" in answer.text


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ({"action": "anomaly_dismissed"}, [0]),
        ({"actor": "job:detect"}, [2]),
        ({"actor": AIKO.id}, [1, 0]),
        ({"target": "adjustment"}, [1]),
        ({"system": "imagegen"}, [0]),
        ({"outcome": "failed"}, [2]),
        ({"q": "12"}, [0]),
        ({"q": "6F1C-AA "}, [1]),
        ({"q": "tx-9"}, [1]),
        ({"q": "run-77"}, [2]),
        ({"q": "run-77", "actor": AIKO.id}, []),
        ({"q": "nowhere"}, []),
    ],
)
def test_filters(manager_client, three, query, which):
    answer = manager_client.get(LIST, query)

    assert shown(answer) == [three[number].position for number in which]


def test_days_begin_at_midnight_where_the_reader_is(manager, manager_client, three):
    Person.objects.filter(pk=manager.pk).update(zone="Pacific/Kiritimati")
    today = timezone.now().astimezone(ZoneInfo("Pacific/Kiritimati")).date()

    assert three[0].position in shown(manager_client.get(LIST, {"since": today, "until": today}))
    assert not shown(manager_client.get(LIST, {"since": today + timedelta(days=1)}))
    assert not shown(manager_client.get(LIST, {"until": today - timedelta(days=1)}))


def test_a_filter_that_is_not_understood_says_so_and_is_left_out(manager_client, three):
    answer = manager_client.get(LIST, {"since": "yesterday", "actor": "nobody", "system": "imagegen"})

    assert answer.status_code == 200
    assert "was not understood" in answer.text
    assert shown(answer) == [three[0].position]


@pytest.mark.parametrize(
    "query", [{"q": "\0"}, {"after": "rubbish"}, {"q": "%"}, {"since": "0000-00-00"}, {"q": "x" * 300}]
)
def test_nonsense_is_answered_calmly(manager_client, three, query):
    assert manager_client.get(LIST, query).status_code == 200


def test_pages_follow_each_other(manager_client):
    positions = [make_entry().position for _ in range(SIZE + 1)]
    first = manager_client.get(LIST)

    second = manager_client.get(LIST, {"after": first.context["page"].after})

    assert shown(first)[-1] == positions[1]
    assert shown(second)[0] == positions[0]


def test_the_list_comes_as_a_fragment(manager_client, three):
    answer = manager_client.get(LIST, headers={"HX-Request": "true"})

    assert "<html" not in answer.text
    assert 'id="list"' in answer.text


def test_a_long_id_is_shortened_in_the_list(manager_client):
    entry = make_entry(target_type="adjustment", target_id="6332cd5f-ff97-4222-86f2-551d9509673d")

    assert "Adjustment 6332cd5f…" in manager_client.get(LIST).text
    assert entry.target_id in manager_client.get(reverse("audit:entry", args=[entry.position])).text


def test_an_empty_answer_says_what_to_do(manager_client, three):
    assert "Nothing recorded fits" in manager_client.get(LIST, {"q": "nowhere"}).text


def test_the_list_takes_the_same_queries_however_much_it_shows(manager_client, three, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        manager_client.get(LIST)
    for number in range(30):
        make_entry(target_id=number)

    with django_assert_num_queries(len(few)):
        manager_client.get(LIST)
    assert len(few) <= 14


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_the_log_is_only_read(manager_client, verb, three):
    assert getattr(manager_client, verb)(LIST).status_code == 405
    assert getattr(manager_client, verb)(reverse("audit:entry", args=[three[0].position])).status_code == 405


# One entry -----------------------------------------------------------------------------------------------------------


def test_an_entry_shows_before_and_after_and_its_neighbours(manager_client):
    previous = make_entry()
    metadata = {"before": {"state": "open", "owner": 3}, "after": {"state": "dismissed", "owner": 3}, "rule": "orphan"}
    entry = make_entry(metadata=metadata, reason="A trial.")
    following = make_entry()

    answer = manager_client.get(reverse("audit:entry", args=[entry.position]))

    lines = {line.name: (line.before, line.after, line.differs) for line in answer.context["changed"]}
    assert lines == {"state": ("open", "dismissed", True), "owner": (3, 3, False)}
    assert answer.context["details"] == {"rule": "orphan"}
    assert (answer.context["previous"], answer.context["following"]) == (previous, following)
    assert entry.hash in answer.text
    assert "A trial." in answer.text


@pytest.mark.parametrize(
    "metadata",
    [{}, {"before": None, "after": {"a": [1, {"b": None}]}}, {"before": "open", "after": "gone"}, {"deep": [[]]}],
)
def test_an_entry_of_any_shape_is_shown(manager_client, metadata):
    entry = make_entry(metadata=metadata)

    assert manager_client.get(reverse("audit:entry", args=[entry.position])).status_code == 200


def test_what_somebody_typed_is_shown_as_text(manager_client):
    entry = make_entry(reason="<script>alert(1)</script>", metadata={"after": {"<b>": "<i>"}})

    answer = manager_client.get(reverse("audit:entry", args=[entry.position]))

    assert "<script>alert" not in answer.text
    assert "<i>" not in answer.text


def test_an_entry_that_is_not_there_is_not_found(manager_client):
    assert manager_client.get(reverse("audit:entry", args=[99_999_999])).status_code == 404


def test_an_entry_takes_few_queries(manager_client, three, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        manager_client.get(reverse("audit:entry", args=[three[1].position]))


# Export and verification ---------------------------------------------------------------------------------------------


def test_an_auditor_exports_what_the_filter_shows(auditor_client, three):
    answer = auditor_client.post("/audit/export/", {"actor": AIKO.id})

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [int(row["position"]) for row in rows] == [three[1].position, three[0].position]
    assert rows[0]["hash"] == three[1].hash
    assert rows[0]["job_id"] == "6f1c-aa"


def test_the_export_ends_before_the_entry_that_records_it(auditor_client, three):
    answer = auditor_client.post("/audit/export/")

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    recorded = Entry.objects.get(action_type="audit_log_exported").position
    assert int(rows[0]["position"]) == recorded - 1
    assert len(rows) == Entry.objects.count() - 1


def test_the_export_is_itself_recorded(auditor, auditor_client, three):
    auditor_client.post("/audit/export/", {"system": "imagegen", "q": ""})

    entry = Entry.objects.get(action_type="audit_log_exported")
    assert entry.actor_id == f"person:{auditor.pk}"
    assert entry.metadata["filter"] == {"system": "imagegen"}


def test_the_page_hands_the_filter_on_to_the_export(auditor_client, three):
    page = auditor_client.get(LIST, {"system": "imagegen", "since": "2026-01-01"}).text

    assert '<input type="hidden" name="system" value="imagegen">' in page
    assert '<input type="hidden" name="since" value="2026-01-01">' in page


def test_an_auditor_verifies_and_it_is_recorded(auditor_client, three):
    answer = auditor_client.post("/audit/verify/", follow=True)

    assert "Intact:" in answer.text
    entry = Entry.objects.get(action_type="audit_log_verified")
    assert (entry.outcome, entry.metadata["verdict"]) == ("done", "intact")


@pytest.mark.parametrize("address", ["/audit/export/", "/audit/verify/"])
@pytest.mark.parametrize("who", ["support", "approver", "manager", "admin"])
def test_nobody_else_exports_or_verifies(address, who, request):
    before = Entry.objects.filter(action_type__startswith="audit_log")

    assert request.getfixturevalue(f"{who}_client").post(address).status_code == 403
    assert not before.exists()


@pytest.mark.parametrize("address", ["/audit/export/", "/audit/verify/"])
def test_reading_exports_and_verifies_nothing(auditor_client, address):
    assert auditor_client.get(address).status_code == 405


@pytest.mark.parametrize("who", ["support", "approver", "manager"])
def test_what_one_may_not_do_is_not_offered(who, request):
    page = request.getfixturevalue(f"{who}_client").get(LIST).text

    assert "/audit/export/" not in page
    assert "/audit/verify/" not in page


def test_an_auditor_sees_how_far_the_log_can_be_trusted(auditor_client, three):
    page = auditor_client.get(LIST).text

    assert "Can it be trusted?" in page
    assert "Anchored up to" in page
    assert "/audit/export/whole/" in page
    assert "Download the whole log with its verifier" in page


@pytest.mark.parametrize("who", ["support", "approver", "manager"])
def test_nobody_else_is_told_how_far_it_can_be_trusted_or_offered_the_whole(who, request):
    page = request.getfixturevalue(f"{who}_client").get(LIST).text

    assert "Can it be trusted?" not in page
    assert "/audit/export/whole/" not in page


def test_what_a_row_recorded_of_itself_is_told_in_words(manager_client, support):
    entry = Entry.objects.filter(action_type="role_added", target_id=str(support.pk)).get()

    page = manager_client.get(reverse("audit:entry", args=[entry.position])).text

    assert "Role added" in page
    assert '<th scope="row">Granted at</th>' in page
    assert "<ins>support</ins>" in page
