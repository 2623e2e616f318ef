import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from billingadmin.masking import masked, without_emails
from systems.base import Personal, Unrecognised


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada.l@example.com", "a•••@e•••.com"),
        ("a@localhost", "a•••@l•••"),
        ("@x", "@••• (2)"),
        ("a cat on a mat", "a••• (14)"),
        ("猫", "•••"),
        ("", "•••"),
    ],
)
def test_enough_stays_to_tell_two_apart(text, shown):
    assert masked(text) == shown


@given(st.text(st.characters(categories=["L", "N"]), min_size=4))
def test_a_mask_never_holds_what_it_hides(text):
    assert text not in masked(text)
    assert text not in masked(f"{text}@{text}.org")


@pytest.mark.parametrize("tag", ["{{ found }}", "{% value found %}", "{% facts found_in %}"])
def test_a_personal_value_is_masked_wherever_it_is_written(tag):
    found = Personal("ada.l@example.com")

    text = Template("{% load console %}" + tag).render(Context({"found": found, "found_in": {"E-mail": found}}))

    assert "a•••@e•••.com" in text
    assert "ada" not in text + str(found) + repr(found)


def test_a_word_outside_the_vocabulary_is_marked_and_escaped():
    text = Template("{% load console %}{% value found %}").render(Context({"found": Unrecognised("<plush>")}))

    assert "&lt;plush&gt;" in text
    assert 'data-level="unknown"' in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to=<ada.l@example.com>, relay=mx", "to=<a•••@e•••.com>, relay=mx"),
        ("user=ada@example.org;ok", "user=a•••@e•••.org;ok"),
        ("POST /functions/v1/generate 200", "POST /functions/v1/generate 200"),
    ],
)
def test_only_the_addresses_of_a_sentence_are_masked(text, shown):
    assert without_emails(text) == shown
