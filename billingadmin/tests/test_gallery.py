"""Every part of the console in a real browser: how it looks to a machine that checks, and how it is operated."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as site

WINDOWS = [("light", 1280), ("dark", 1280), ("light", 400), ("dark", 400)]
CHOSEN = "td.pick input:checked"


@pytest.fixture
def address(live_server, settings):
    settings.ROOT_URLCONF = "billingadmin.tests.gallery.urls"
    return live_server.url


@pytest.fixture
def opened(address, approver_client, browser):
    """Opens the gallery; whatever the browser complains about fails the test."""
    complaints, contexts = [], []

    def open_page(path="/anomalies/", *, complain=True, **options):
        context = browser.new_context(**options)
        session = approver_client.cookies[site.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": site.SESSION_COOKIE_NAME, "value": session, "url": address}])
        contexts.append(context)
        page = context.new_page()
        if complain:
            page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_every_part_is_accessible_and_fits(opened, theme, width):
    page = opened(color_scheme=theme, viewport={"width": width, "height": 900})

    found = Axe().run(page).response["violations"]

    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_menu_and_the_dialogs_are_accessible_too(opened):
    page = opened(viewport={"width": 400, "height": 900})
    page.keyboard.press("?")
    in_dialog = Axe().run(page).response["violations"]
    page.keyboard.press("Escape")

    page.click(".opener")

    assert [rule["id"] for rule in in_dialog + Axe().run(page).response["violations"]] == []


def test_a_person_s_theme_overrules_the_device(opened, approver):
    approver.theme = "dark"
    approver.save(update_fields=["theme"])

    page = opened(color_scheme="light")

    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_rows_are_walked_chosen_and_opened_by_keyboard(opened):
    page = opened()

    for key in "jjx":
        page.keyboard.press(key)

    assert page.locator("tr[aria-current]").get_attribute("id") == "row-2"
    assert page.locator(CHOSEN).get_attribute("value") == "2"
    assert page.locator(".bulk").is_visible()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/row/1/")


def test_the_place_among_rows_survives_a_swap(opened):
    page = opened()
    for key in "jj":
        page.keyboard.press(key)

    page.get_by_role("link", name="Take 2").click()
    page.get_by_text("Row 2 is yours").wait_for()

    assert page.locator("tr[aria-current]").get_attribute("id") == "row-2"
    page.keyboard.press("j")
    assert page.locator("tr[aria-current]").get_attribute("id") == "row-3"


def test_enter_opens_the_current_row_also_when_its_button_is_gone(opened):
    page = opened()
    page.keyboard.press("j")
    page.get_by_role("link", name="Take 1").click()
    page.get_by_text("Row 1 is yours").wait_for()

    page.keyboard.press("Enter")

    page.wait_for_url("**/row/1/")


def test_good_news_goes_by_itself_and_bad_news_stays(opened):
    page = opened(complain=False)
    page.get_by_role("link", name="Take 1").click()
    page.get_by_text("Row 1 is yours").wait_for()
    page.click("#fails")
    page.get_by_text("did not reach the server").wait_for()

    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")

    assert page.get_by_text("Row 1 is yours").is_hidden()
    assert page.get_by_text("did not reach the server").is_visible()


def test_all_rows_are_chosen_at_once(opened):
    page = opened()

    page.check("[data-choose-all]")

    assert page.locator(CHOSEN).count() == 5


def test_letters_typed_into_a_field_are_letters(opened):
    page = opened()

    page.keyboard.press("f")
    page.keyboard.type("jx?g/")

    assert page.input_value("[name=subject]") == "jx?g/"
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("abc")
    assert page.input_value("[data-search]") == "abc"


def test_g_and_a_letter_go_to_a_place(opened):
    page = opened("/?here")

    page.keyboard.press("g")
    page.keyboard.press("a")

    page.wait_for_url("**/anomalies/")


def test_the_list_of_keys_is_read_from_the_page(opened):
    page = opened()

    page.keyboard.press("?")

    words = re.sub(r"\s+", " ", page.locator("#keys [data-here]").inner_text())
    assert "c Claim" in words
    assert "f Filter by subject" in words
    assert "ga Anomalies" in words.replace("g a", "ga")


def test_a_filter_submits_itself_but_not_while_one_types(opened):
    page = opened()
    page.fill("[name=subject]", "abc")
    page.keyboard.press("Tab")

    assert "subject" not in page.url

    page.select_option("[name=system]", "one")
    page.wait_for_url("**system=one&subject=abc")


def test_what_cannot_be_taken_back_is_asked_once(opened):
    page = opened()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    page.keyboard.press("w")
    page.get_by_role("button", name="Cancel").click()
    assert sent == []

    page.keyboard.press("w")
    assert page.locator("#confirm [data-words]").inner_text() == "Withdraw it?"
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url("**/row/9/")
    assert len(sent) == 1


def test_a_request_that_failed_says_so_and_can_be_waved_away(opened):
    page = opened(complain=False)

    page.click("#fails")

    page.get_by_text("did not reach the server").wait_for()
    page.get_by_role("button", name="Dismiss").last.click()
    assert page.get_by_text("did not reach the server").is_hidden()


def test_polling_waits_its_time_and_while_one_is_inside(opened, address, browser):
    page = opened()
    page.clock.install()
    page.goto(f"{address}/anomalies/")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/row/7/") else None)

    page.clock.run_for(29_000)
    assert asked == []

    page.keyboard.press("?")
    page.clock.run_for(29_000)
    assert asked == []

    page.keyboard.press("Escape")
    with page.expect_response("**/row/7/"):
        page.clock.run_for(5_000)


def test_an_identifier_is_copied_by_a_click(opened, address):
    page = opened(permissions=["clipboard-read", "clipboard-write"])

    page.click(".id[data-copy='9f2b6c1e']")
    page.locator(".id[data-copied]").wait_for()

    assert page.evaluate("navigator.clipboard.readText()") == "9f2b6c1e"


def test_without_script_the_menu_opens_and_links_lead_on(opened):
    page = opened(java_script_enabled=False, viewport={"width": 400, "height": 900})

    page.click(".opener")
    assert page.locator("#nav").is_visible()

    page.locator("#nav").get_by_role("link", name="Today").click()
    page.wait_for_url("**/")
