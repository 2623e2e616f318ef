"""What others read is what was written."""

import pytest
from django import forms

from billingadmin.texts import ReasonField, Unreadable, readable


class Asked(forms.Form):
    why = ReasonField(max_length=40)
    more = ReasonField(required=False)


@pytest.mark.parametrize(
    "text", ["No.", "重複", "Ticket 4471:\r\n\tcharged twice", "Zoë paid ¥500 – twice 👍", "確認済み。"]
)
def test_what_people_write_is_readable(text):
    assert readable(f"  {text}\n") == text


@pytest.mark.parametrize("text", ["", " \n", "x", "...", "。。。", "–", "\u0301\u0301\u0301"])
def test_it_takes_a_few_letters(text):
    with pytest.raises(Unreadable, match="few words"):
        readable(text)


UNSEEN = [
    *("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u2028", "\u0000", "\u001b", "\ue000"),
    *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200f"),
    *("\u3164", "\u115f", "\u2800", "\u034f", "\U000e0041"),
]


@pytest.mark.parametrize("character", UNSEEN, ids=lambda character: f"U+{ord(character):04X}")
def test_what_cannot_be_seen_is_refused_and_named(character):
    with pytest.raises(Unreadable, match=rf"U\+{ord(character):04X}.*after “harged twice”"):
        readable(f"Charged twice{character} by us")
    with pytest.raises(Unreadable):
        readable(character * 5)


def test_a_field_gives_back_what_was_typed():
    form = Asked({"why": "\u200b\u200b", "more": "\u202eecivres"})

    assert set(form.errors) == {"why", "more"}
    assert form["why"].value() == "\u200b\u200b"


def test_an_optional_field_may_be_empty_and_a_needed_one_may_not():
    assert set(Asked({}).errors) == {"why"}
    assert Asked({"why": "Paid twice."}).is_valid()
