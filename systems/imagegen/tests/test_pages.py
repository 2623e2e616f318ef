"""The room's own screens, from what has been measured."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from health.probing import probe
from systems.imagegen.factories import ConsumptionFactory, JobFactory, RefundFactory
from systems.imagegen.pages import SECTIONS
from systems.imagegen.system import SYSTEM

pytestmark = pytest.mark.django_db
PAGES = ["pre-deploy", "post-deploy", "runbook"]


@pytest.mark.parametrize("page", PAGES)
def test_everybody_of_the_trade_may_look(support_client, manager_client, auditor_client, page):
    for client in (support_client, manager_client, auditor_client):
        assert client.get(f"/systems/imagegen/{page}/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_who_looks_after_people_alone_may_not(admin_client, page):
    assert admin_client.get(f"/systems/imagegen/{page}/").status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_a_page_changes_nothing(support_client, page):
    assert support_client.post(f"/systems/imagegen/{page}/").status_code == 405


def test_before_anything_is_measured_the_pages_say_so(support_client):
    for page in ("pre-deploy", "post-deploy"):
        text = support_client.get(f"/systems/imagegen/{page}/").content.decode()
        assert "not measured yet" in text
        assert 'data-level="ok"' not in text


def test_the_pre_deploy_check_lists_the_rows_oldest_first_and_opens_them(support_client, cursor):
    cursor.execute("drop index public.credit_transactions_one_consumption_per_job")
    job = JobFactory()
    young = ConsumptionFactory(job=job)
    old = ConsumptionFactory(job=job, created_at=young.created_at - timedelta(days=1))
    probe(SYSTEM, now=timezone.now())

    text = support_client.get("/systems/imagegen/pre-deploy/").content.decode()

    assert re.findall(r'href="/subjects/imagegen/transaction/([^/]+)/"', text) == [str(old.id), str(young.id)]
    assert str(job.id) in text
    assert 'data-level="critical"' in text


def test_a_group_of_null_job_ids_is_told_from_a_duplicate(support_client):
    ConsumptionFactory.create_batch(2, null=True, job=JobFactory())
    probe(SYSTEM, now=timezone.now())

    text = support_client.get("/systems/imagegen/pre-deploy/").content.decode()

    assert 'data-level="warning"' in text
    assert "nothing blocks the unique indexes. 1 group is of rows whose job_id is null" in text


def test_the_post_deploy_validation_shows_all_four_and_who_breaks_them(support_client):
    now = timezone.now()
    job = JobFactory(succeeded=True, started_at=now, completed_at=now)
    refund = RefundFactory(job=job, created_at=now - timedelta(minutes=1))
    probe(SYSTEM, now=now)

    text = support_client.get("/systems/imagegen/post-deploy/").content.decode()

    assert re.findall(r"<h2[^>]*>(\d)\. ", text) == ["1", "2", "3", "4"]
    assert text.count(f"/subjects/imagegen/job/{job.id}/") == 2
    assert text.count(f"/subjects/imagegen/transaction/{refund.id}/") == 2
    assert "cannot tell" in text


def test_a_job_that_was_not_refunded_once_is_shown_without_a_refund_to_open(support_client):
    now = timezone.now()
    job = JobFactory(failed=True, completed_at=now, updated_at=now)
    ConsumptionFactory(job=job)
    probe(SYSTEM, now=now)

    text = support_client.get("/systems/imagegen/post-deploy/").content.decode()

    assert "1 charge, 0 refunds" in text
    assert f"/subjects/imagegen/job/{job.id}/" in text


def test_the_runbook_maps_every_section_to_its_screen(support_client):
    text = support_client.get("/systems/imagegen/runbook/").content.decode()

    for section in SECTIONS:
        assert section.heading in text
        assert f'href="{section.href}"' in text or not section.href
    for rule in SYSTEM.rules:
        assert f'id="{rule.code}"' in text


def test_the_runbooks_links_lead_somewhere(support_client):
    text = support_client.get("/systems/imagegen/runbook/").content.decode()

    for path in sorted(set(re.findall(r'href="(/(?:systems|health|jobs|audit)/[^"#]*)', text))):
        assert support_client.get(path).status_code == 200, path


def test_the_pages_speak_japanese_when_asked(support_client):
    """The words are marked for translation; the page holds for any language."""
    for page in PAGES:
        assert support_client.get(f"/systems/imagegen/{page}/", HTTP_ACCEPT_LANGUAGE="ja").status_code == 200
