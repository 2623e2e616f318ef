from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from adjustments import drafting, ledger, preview, tasks
from adjustments.models import Preview
from adjustments.preview import rehearse
from adjustments.sheet import Sheet
from systems.tests.paperclips.factories import PaymentFactory
from systems.tests.paperclips.models import Order, Payment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]


@pytest.fixture
def asked(pending):
    return Preview.objects.get(adjustment=pending)


@pytest.fixture
def answered(asked, key_table, now):
    preview.answer(asked.pk, now=now)
    asked.refresh_from_db()
    return asked


def test_it_tells_what_the_rules_would_stop_finding(answered):
    assert answered.stage == Preview.Stage.DONE
    assert [(found["rule"], found["subject"], found["amount"]) for found in answered.answer["stops"]] == [
        ("shipped_unpaid", "7", 500)
    ]
    assert answered.answer["begins"] == []


def test_it_tells_what_the_rules_would_begin_to_find(pending, key_table, now):
    PaymentFactory(order_id=7)

    answer = rehearse(pending, 1, now=now)

    assert [found["rule"] for found in answer["begins"]] == ["paid_twice"]


def test_it_tells_the_figures_before_and_after(answered):
    assert answered.answer["effects"] == [[{"label": "paid", "unit": "JPY", "before": 0, "after": 500}]]


def test_it_tells_the_evidence_as_it_is_now(pending, key_table, now):
    Order.objects.using("paperclips_writer").update(total=400)

    assert rehearse(pending, 1, now=now)["evidence"] == [{"order_id": "7", "total": 400, "customer": "Hanako"}]


def test_it_tells_what_the_source_would_refuse(pending, key_table, now):
    Order.objects.using("paperclips_writer").update(state="cancelled")

    answer = rehearse(pending, 1, now=now)

    assert "The order is cancelled" in answer["refused"]
    assert answer["stops"] == []


def test_nothing_of_it_stays(answered):
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("select count(*) from billingadmin_applied")
        assert cursor.fetchone() == (0,)
    assert not Payment.objects.exists()


def test_without_the_key_table_it_names_the_command(asked, now):
    preview.answer(asked.pk, now=now)

    asked.refresh_from_db()
    assert asked.stage == Preview.Stage.FAILED
    assert "prepare_source paperclips" in asked.why


def test_a_worker_without_a_writer_says_which_variable_is_missing(asked, now, monkeypatch):
    monkeypatch.setattr(ledger, "has_writer", lambda system: False)

    preview.answer(asked.pk, now=now)

    asked.refresh_from_db()
    assert "PAPERCLIPS_WRITER_DATABASE_URL" in asked.why


def test_the_task_answers_it(asked, key_table):
    tasks.answer_preview(str(asked.pk))

    asked.refresh_from_db()
    assert asked.stage == Preview.Stage.DONE


def test_asking_again_at_once_is_calm(pending, asked, now):
    assert preview.ask(pending, now=now + timedelta(seconds=30)) == asked
    assert preview.ask(pending, now=now + timedelta(seconds=90)) != asked


@pytest.mark.django_db(transaction=True)
def test_a_sqlite_ledger_is_tried_on_a_copy(kiosk, propose, support, now):
    pending = propose(drafting.for_subject(kiosk, "drink", "3", "ring_up"), support)

    answer = rehearse(pending, 1, now=now)

    with connections["kiosk_writer"].cursor() as cursor:
        cursor.execute("select count(*) from till")
        assert cursor.fetchone() == (0,)
    assert [found["rule"] for found in answer["stops"]] == ["unpaid"]
    assert answer["effects"] == [[{"label": "the till", "unit": "JPY", "before": 0, "after": 150}]]


# In the browser ------------------------------------------------------------------------------------------------------


def test_the_page_asks_politely_until_there_is_an_answer(support_client, pending, asked, key_table, now):
    url = reverse("adjustments:preview", args=[pending.pk])
    Preview.objects.filter(pk=asked.pk).update(asked_at=now + timedelta(minutes=9, seconds=50))

    waiting = support_client.get(url, headers={"HX-Request": "true"})
    preview.answer(asked.pk, now=now)
    there = support_client.get(url, headers={"HX-Request": "true"})

    assert 'hx-trigger="poll"' in waiting.text
    assert 'hx-trigger="poll"' not in there.text
    assert "Shipped, but not paid" in there.text


def test_what_has_not_moved_is_not_written_twice(support_client, pending, answered):
    page = support_client.get(pending.get_absolute_url())

    assert page.text.count(">same</span>") == len(answered.answer["evidence"][0])


def test_what_is_at_stake_has_no_sign_beside_what_is_posted(pending, answered, support, now):
    answered.answer["stops"][0]["amount"] = -500

    shown = Sheet(pending, support, now)
    shown.preview = answered

    assert [finding["at_stake"] for finding in shown.foreseen["stops"]] == [500]


def test_after_a_minute_it_says_that_no_worker_answered(support_client, pending, asked):
    page = support_client.get(pending.get_absolute_url())

    assert "The worker has not answered" in page.text


def test_looking_again_asks_the_worker_anew(support_client, pending, answered):
    answer = support_client.post(reverse("adjustments:preview_again", args=[pending.pk]))

    assert answer.url == pending.get_absolute_url()
    assert Preview.objects.count() == 2
    assert ProcrastinateJob.objects.filter(task_name="adjustments.preview").count() == 2


def test_readers_do_not_ask_and_nobody_asks_by_get(support_client, manager_client, pending):
    url = reverse("adjustments:preview_again", args=[pending.pk])

    assert support_client.get(url).status_code == 405
    assert manager_client.post(url).status_code == 403
