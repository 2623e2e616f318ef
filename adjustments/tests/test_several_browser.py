"""A request of many lines in the browser, from the queue or a file to its opposite; every screen of it looked at."""

from datetime import timedelta

import pytest
from django.test import Client
from playwright.sync_api import expect

from accounts.demo import CAST
from adjustments import applying, drafting, preview
from adjustments.models import Adjustment, Preview
from adjustments.states import Outcome, State
from anomalies.factories import AnomalyFactory
from billingadmin.tests.browsing import WINDOWS, look, noticed
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.models import Order, Payment

pytestmark = pytest.mark.django_db(transaction=True)

SHEET = """subject,amount
1,310
2,999
two hundred,5
2,320
4,12.5
77,100
"""


@pytest.fixture
def desk(opened):
    """A browser of somebody's own."""

    def sit(person, theme="light", width=1440):
        client = Client()
        client.force_login(person)
        return opened(client, color_scheme=theme, viewport={"width": width, "height": 900})

    return sit


@pytest.fixture
def forty(db):
    """What an outage leaves: forty orders of a dozen customers, shipped and not paid."""
    orders = [
        OrderFactory(id=number, shipped=True, total=300 + 10 * number, customer=f"customer-{number % 12}")
        for number in range(1, 41)
    ]
    return [AnomalyFactory(subject=str(order.id)) for order in orders]


@pytest.fixture
def pending(forty, propose, support):
    pending = propose(drafting.for_anomalies(forty, "book_payment"), support, "The outage of Monday, ticket 4471.")
    preview.answer(Preview.objects.get(adjustment=pending).pk, now=pending.proposed_at)
    return pending


@pytest.fixture
def approved(pending, approve, approver):
    return approve(pending, approver)


def test_forty_are_ticked_proposed_approved_and_taken_back(desk, forty, key_table, support, approver):
    asking, deciding = desk(support), desk(approver)

    asking.goto("/anomalies/")
    asking.get_by_label("Choose all on this page").check()
    asking.get_by_role("button", name="Propose").click()
    asking.get_by_label("Reason").fill("The outage of Monday, ticket 4471.")
    asking.get_by_role("button", name="Propose 40 lines").click()
    expect(asking.get_by_text("waiting for approval")).to_be_visible()

    asked = Adjustment.objects.get()
    deciding.goto(f"{asked.get_absolute_url()}decide/")
    expect(deciding.get_by_text("The source still says what was signed.")).to_be_visible()
    deciding.get_by_label("Your password or a current code").fill(CAST["approver"].password)
    deciding.get_by_role("button", name="Approve +20,200 JPY").click()
    expect(deciding.get_by_text(f"Approved by {approver.name}")).to_be_visible()

    applying.drive(asked.pk, now=Adjustment.objects.get().approved_at + timedelta(seconds=5))
    expect(deciding.locator("[aria-current=step]")).to_have_text("applied")
    assert Payment.objects.count() == 40

    asking.reload()
    asking.get_by_label("Choose line 3", exact=True).check()
    asking.get_by_role("button", name="Propose to take these back").click()
    asking.get_by_label("Reason").fill("The third was paid in cash.")
    asking.get_by_role("button", name="Propose", exact=True).click()
    expect(asking.get_by_text("waiting for approval")).to_be_visible()
    assert Adjustment.objects.latest("number").amount == -330


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_choosing_and_proposing_are_accessible_and_fit(desk, forty, support, theme, width):
    page = desk(support, theme, width)

    page.goto("/anomalies/")
    page.locator("input[name=pick]").first.check()
    page.locator("input[name=pick]").nth(1).check()
    assert noticed(page) == []
    page.get_by_role("button", name="Propose").click()
    page.get_by_label("Reason").wait_for()
    assert noticed(page) == []


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_each_row_of_a_file_that_does_not_fit_is_named(desk, forty, support, tmp_path, theme, width):
    page = desk(support, theme, width)
    (tmp_path / "outage.csv").write_text(SHEET)

    assert look(page, "/adjustments/propose/several/") == []
    page.get_by_label("Correction").select_option("paperclips:book_payment")
    page.get_by_label("CSV file").set_input_files(tmp_path / "outage.csv")
    page.get_by_role("button", name="Read the file").click()

    expect(page.locator("#left-out tbody tr")).to_have_count(5)
    expect(page.get_by_role("button", name="Propose 1 line")).to_be_visible()
    assert noticed(page) == []


@pytest.mark.parametrize(("content", "told"), [("order,why\n1,x\n", "subject"), ("", "empty"), ("subject\n", "names")])
def test_a_file_that_is_none_is_said_and_another_can_be_sent(desk, support, tmp_path, content, told):
    page = desk(support, width=400)
    (tmp_path / "list.csv").write_text(content)

    page.goto("/adjustments/propose/several/")
    page.get_by_label("Correction").select_option("paperclips:book_payment")
    page.get_by_label("CSV file").set_input_files(tmp_path / "list.csv")
    page.get_by_role("button", name="Read the file").click()

    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.get_by_label("CSV file")).to_be_visible()
    assert noticed(page) == []


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_deciding_on_many_is_accessible_and_fits(desk, at_work, pending, approver, theme, width):
    Order.objects.using("paperclips_writer").filter(pk=7).update(total=1)
    page = desk(approver, theme, width)

    assert look(page, pending.get_absolute_url()) == []
    page.goto(f"{pending.get_absolute_url()}decide/")
    expect(page.get_by_text("1 line has changed")).to_be_visible()
    assert noticed(page) == []


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_a_request_that_is_being_posted_is_accessible_and_fits(
    desk, at_work, approved, key_table, support, now, theme, width
):
    for number in range(15):
        applying._step(approved.pk, number, now=now + timedelta(minutes=6))
    page = desk(support, theme, width)

    assert approved.lines.filter(outcome=Outcome.POSTED).count() == 15
    assert look(page, approved.get_absolute_url()) == []


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_refused_lines_and_a_reversal_are_accessible_and_fit(
    desk, at_work, approved, key_table, second_approver, now, theme, width
):
    Order.objects.using("paperclips_writer").filter(pk__in=[2, 9, 30]).update(total=400)
    applying.drive(approved.pk, now=now + timedelta(minutes=6))
    page = desk(second_approver, theme, width)

    assert Adjustment.objects.get().state == State.NEEDS_ATTENTION
    assert look(page, approved.get_absolute_url()) == []
    assert look(page, f"{approved.get_absolute_url()}?outcome=refused") == []


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_taking_many_back_is_accessible_and_fits(desk, at_work, approved, key_table, support, now, theme, width):
    applying.drive(approved.pk, now=now + timedelta(minutes=6))
    page = desk(support, theme, width)

    assert look(page, approved.get_absolute_url()) == []
    assert look(page, f"/adjustments/propose/?reverses={approved.pk}") == []
