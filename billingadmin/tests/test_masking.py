import pytest
from hypothesis import given
from hypothesis import strategies as st

from billingadmin.masking import masked


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
