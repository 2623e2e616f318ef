import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from billingadmin.amounts import MINUS, Amount, NotAnAmount, capped, parse


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234, "credits", "1,234 credits"),
        (1, "credits", "1 credit"),
        (-1, "credits", f"{MINUS}1 credit"),
        (0, "Stars", "0 Stars"),
        (1234567, "JPY", "1,234,567 JPY"),
        (123450, "USD", "1,234.50 USD"),
        (-5, "USD", f"{MINUS}0.05 USD"),
        (1500, "KWD", "1.500 KWD"),
        (7, "commands", "7 commands"),
        (42, "widgets", "42 widgets"),
    ],
)
def test_an_amount_reads_with_its_unit(value, unit, text):
    assert str(Amount(value, unit)) == text


def test_a_signed_amount_says_plus_too_but_zero_has_no_sign():
    assert Amount(12, "credits").figure(signed=True) == "+12"
    assert Amount(-12, "credits").figure(signed=True) == f"{MINUS}12"
    assert Amount(0, "credits").figure(signed=True) == "0"


def test_an_amount_is_never_a_float_nor_a_truth_value():
    with pytest.raises(TypeError):
        Amount(1.5, "JPY")
    with pytest.raises(TypeError):
        Amount(True, "JPY")


def test_amounts_of_one_unit_add_up_and_others_do_not():
    assert Amount(3, "JPY") + Amount(4, "JPY") == Amount(7, "JPY")
    with pytest.raises(ValueError, match="do not add up"):
        Amount(3, "JPY") + Amount(4, "USD")


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1234", "credits", 1234),
        (" 1,234 ", "credits", 1234),
        ("１，２３４", "JPY", 1234),
        ("12.5", "USD", 1250),
        ("12.50 USD", "USD", 1250),
        (f"{MINUS}3", "Stars", -3),
        ("－3", "Stars", -3),
        ("+3", "Stars", 3),
        ("0007", "credits", 7),
    ],
)
def test_what_people_type_is_understood(text, unit, value):
    assert parse(text, unit) == Amount(value, unit)


@pytest.mark.parametrize("text", ["", "x", "1,23", "12,5", "1 2", "1e3", "--1", ".5", "1.", "٣x", "1" * 19, "1_000"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(NotAnAmount):
        parse(text, "credits")


def test_the_refusal_says_why():
    with pytest.raises(NotAnAmount, match="credits are whole"):
        parse("1.5", "credits")
    with pytest.raises(NotAnAmount, match="USD has 2 digits"):
        parse("1.505", "USD")


@given(st.integers(-(10**17), 10**17), st.sampled_from(["JPY", "USD", "KWD", "credits", "Stars"]))
def test_what_is_shown_reads_back_as_the_same(value, unit):
    amount = Amount(value, unit)
    texts = (amount.figure(), amount.figure(signed=True), amount.plain())

    assert [parse(text, unit) for text in texts] == [amount] * 3


def test_plain_is_for_programs():
    assert Amount(-123450, "USD").plain() == "-1234.50"


def test_big_counts_are_capped():
    assert [capped(999), capped(1000), capped(1001), capped(12, cap=10)] == ["999", "1,000", "1,000+", "10+"]


def test_units_are_in_the_readers_language():
    with translation.override("ja"):
        assert Amount(2, "JPY").unit_label() == "JPY"
