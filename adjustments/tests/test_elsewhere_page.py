# ruff: noqa: F811 (fixtures are called as what they are imported as)
"""What the page of a request says of what is done elsewhere: neither posted nor rehearsed."""

import pytest

from adjustments import preview
from adjustments.models import Preview
from adjustments.tests.test_calling import back, teller  # noqa: F401
from adjustments.tests.test_procedure import by_hand  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["back", "by_hand"])
def test_nobody_is_told_what_the_rules_would_find(request, name, teller, approver_client, now):
    adjustment = request.getfixturevalue(name)
    preview.answer(Preview.objects.get(adjustment=adjustment).pk, now=now)

    page = approver_client.get(adjustment.get_absolute_url()).text

    assert "cannot be tried beforehand" in page
    assert "The rules stop finding" not in page
    assert "What is done" in page
    assert "What is posted" not in page
    assert "Posted in" not in page


def test_of_a_posting_it_is_told(approved, approver_client, now, key_table):
    preview.answer(Preview.objects.get(adjustment=approved).pk, now=now)

    page = approver_client.get(approved.get_absolute_url()).text

    assert "The rules stop finding" in page
    assert "What is posted" in page
    assert "Posted in" in page
