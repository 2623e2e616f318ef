"""The screens that only read, in every state a request can be in."""

import pytest
from django.urls import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

STATES = ["pending", "approved", "applied", "needing_attention"]


@pytest.mark.parametrize("state", STATES)
def test_a_request_is_shown(request, state, approver_client):
    adjustment = request.getfixturevalue(state)

    page = approver_client.get(adjustment.get_absolute_url())

    assert page.status_code == 200
    assert f"#{adjustment.number}" in page.text
    assert "Book the missing payment" in page.text
    assert "The bank statement shows it." in page.text


def test_lists(approver_client, pending):
    page = approver_client.get(reverse("adjustments:adjustments"))
    assert page.status_code == 200
    page = approver_client.get(reverse("adjustments:decide", args=[pending.pk]))
    assert page.status_code == 200


def test_propose(approver_client, target):
    page = approver_client.get(
        reverse("adjustments:propose"), {"anomaly": target.anomaly.pk, "correction": "book_payment"}
    )
    assert page.status_code == 200
    assert "Book" in page.text
