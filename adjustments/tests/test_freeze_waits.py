"""A freeze waits for what is being posted, and not for ever."""

import pytest
from django.db import connections

from adjustments.freezes import freezing
from adjustments.freezes.models import Freeze
from adjustments.tests.test_freeze import freeze  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = "hashtextextended('adjustments_freeze', 0)"


def test_while_something_is_posted_nothing_is_frozen_and_it_says_press_again(freeze):  # noqa: F811
    with connections["owner"].cursor() as posting:
        posting.execute(f"select pg_advisory_lock_shared({LOCK})")
        try:
            with pytest.raises(freezing.StillPosting, match=r"Nothing is frozen yet.*has not ended in 4.*Press again"):
                freeze()
        finally:
            posting.execute(f"select pg_advisory_unlock_shared({LOCK})")

    assert not Freeze.objects.exists()
    assert freeze().is_active
