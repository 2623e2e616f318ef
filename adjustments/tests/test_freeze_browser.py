"""The pages of freezes and switches in a real browser: accessible, and fitting, in light and wide, dark and narrow."""

from datetime import timedelta

import pytest
from django.utils import timezone

from adjustments.freezes import freezing
from adjustments.freezes.models import Scope
from adjustments.switches import flipping
from billingadmin.tests.browsing import WINDOWS, look
from systems import registry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_freezes_and_switches_are_accessible_and_fit(opened, approver_client, approver, support, pending, theme, width):
    now, shop = timezone.now(), registry.get("paperclips")
    type(approver).objects.filter(pk=approver.pk).update(theme=theme)
    asked = {
        "value": "on",
        "person": support,
        "reason": "The supplier asked for it.",
        "until": now + timedelta(hours=3),
    }
    flipping.flip(system=shop, switch=shop.switch("sale"), now=now - timedelta(hours=25), **asked)
    frozen = freezing.freeze(scope=Scope(), person=support, reason="The prices look wrong.", now=now)
    freezing.ask(freeze=frozen, person=approver, reason="They are right again.", now=now)
    page = opened(approver_client, viewport={"width": width, "height": 900}, color_scheme=theme)

    for path in (
        "/freezes/",
        "/freezes/new/?what=paperclips",
        frozen.get_absolute_url(),
        "/switches/",
        "/switches/paperclips/sale/",
        f"{pending.get_absolute_url()}decide/",
    ):
        assert look(page, path) == []
