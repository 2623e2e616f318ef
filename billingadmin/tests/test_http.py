import csv
import io
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.contrib import messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpResponse
from django_htmx.middleware import HtmxDetails
from hypothesis import given
from hypothesis import strategies as st

from billingadmin import http

MOMENT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
TEMPLATE = "parts/pages.html"


def request_of(rf, method="get", data=None, **headers):
    request = getattr(rf, method)("/list/", data or {}, headers=headers)
    request.htmx = HtmxDetails(request)
    request.session = {}
    request._messages = FallbackStorage(request)
    return request


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_htmx_asking_for_a_piece_gets_one(rf, headers, wanted):
    assert http.wants_fragment(request_of(rf, **headers)) is wanted


def test_a_page_with_two_faces_says_so_to_caches(rf, monkeypatch):
    seen = []
    monkeypatch.setattr(http, "render", lambda request, name, *_, **__: seen.append(name) or HttpResponse())

    answers = [
        http.page_or_fragment(request_of(rf, **headers), "list.html", {}, fragment="table")
        for headers in ({}, {"HX-Request": "true"})
    ]

    assert seen == ["list.html", "list.html#table"]
    assert {answer["Vary"] for answer in answers} == {"HX-Request"}


def test_after_a_post_everyone_is_redirected_but_htmx_gets_the_piece_and_an_event(rf):
    plain = http.fragment_or_redirect(request_of(rf, "post"), TEMPLATE, {}, to="/there/", event="changed")
    piece = http.fragment_or_redirect(
        request_of(rf, "post", **{"HX-Request": "true"}), TEMPLATE, {}, to="/there/", event="changed"
    )

    assert (plain.status_code, plain["Location"]) == (302, "/there/")
    assert piece.status_code == 200
    assert "changed" in piece["HX-Trigger"]


def test_a_fragment_brings_the_messages_along(rf):
    request = request_of(rf, "post", **{"HX-Request": "true"})
    messages.warning(request, "Ken was <first>")

    answer = http.fragment_or_redirect(request, TEMPLATE, {}, to="/")

    assert 'hx-swap-oob="beforeend"' in answer.text
    assert "Ken was &lt;first&gt;" in answer.text
    assert 'data-tone="warning"' in answer.text


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x()", "", "\\\\evil"])
def test_next_never_leaves_the_site(rf, elsewhere):
    assert http.next_or(request_of(rf, "post", {"next": elsewhere}), "/home/") == "/home/"


def test_next_within_the_site_is_followed(rf):
    assert http.next_or(request_of(rf, "post", {"next": "/anomalies/?page=2"}), "/") == "/anomalies/?page=2"


# CSV


def read(response):
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_a_csv_has_a_name_a_header_and_its_rows():
    response = http.csv_response("異常 2026.csv", ["id", "at"], [(1, MOMENT), (2, None)])

    assert "filename*=UTF-8''%E7%95%B0%E5%B8%B8%202026.csv" in response["Content-Disposition"]
    assert read(response) == [["id", "at"], ["1", "2026-11-20T12:30:00+00:00"], ["2", ""]]


def test_the_byte_order_mark_is_a_choice():
    assert b"".join(http.csv_response("a.csv", ["é"], [])).startswith(b"\xef\xbb\xbf")
    assert b"".join(http.csv_response("a.csv", ["é"], [], bom=False)) == "é\r\n".encode()


def test_rows_are_not_gathered_before_they_are_sent():
    endless = ((number,) for number in iter(int, 1))
    lines = http.csv_lines(["n"], endless, bom=False)

    assert [next(lines) for _ in range(3)] == ["n\r\n", "0\r\n", "0\r\n"]


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1+1", "@sum", "\t=1", "\r=1", "\nx", "  =1"),
        *("＝1", "＋1", "－1", "＠x", "　=1", "\xa0=1", "\ufeff=1"),
    ],
)
def test_a_formula_stays_text(text):
    assert http.cell(text) == "'" + text


@pytest.mark.parametrize("value", ["a=1", "", "7", "あ", " x", None, -5, "-5", "-1234.50", "'quoted"])
def test_what_is_no_formula_is_left_alone(value):
    assert http.cell(value) == value


# Cursors


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_cursor_reads_back(number, text):
    identity = uuid4()

    assert http.decode_cursor(http.encode_cursor(number, text, MOMENT, identity), int, str, datetime, UUID) == (
        *(number, text, MOMENT, identity),
    )


@given(st.text())
def test_what_is_no_cursor_is_refused_calmly(text):
    with pytest.raises(http.BadCursor):
        http.decode_cursor(text, int, datetime)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ((1,), (int, int)),
        (("1",), (int,)),
        ((True,), (int,)),
        ((2**63,), (int,)),
        (("2026-11-20T12:00:00",), (datetime,)),
        (("yesterday",), (datetime,)),
        (("x",), (UUID,)),
        (("a\x00b",), (str,)),
        ((1,), (str,)),
    ],
)
def test_a_cursor_of_another_kind_is_refused(values, kinds):
    with pytest.raises(http.BadCursor):
        http.decode_cursor(http.encode_cursor(*values), *kinds)
