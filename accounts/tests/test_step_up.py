"""The fresh proof of who is there: password, code, recovery code. Each serves once, and guessing ends soon."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.db import connections

from accounts import step_up
from accounts.demo import CAST, totp_secret
from accounts.step_up import Method, StepUp, WrongProof
from audit.models import Entry
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db

WORD = CAST["approver"].password
SECRET = totp_secret(CAST["approver"])


@pytest.fixture
def now():
    with time_machine.travel(CAST_SINCE, tick=False):
        yield CAST_SINCE


@pytest.fixture
def prove(approver, now):
    def prove(word, person=approver, about="content"):
        return step_up.prove(person, about=about, word=word, now=now)

    return prove


def code_at(moment):
    return format_hotp_value(hotp_value(SECRET, int(moment.timestamp()) // 30))


def test_the_password_proves_for_five_minutes(prove, approver, now):
    passed = prove(WORD)

    assert (passed.person, passed.about, passed.method) == (approver, "content", Method.PASSWORD)
    assert passed.expires_at == now + timedelta(minutes=5)


def test_a_current_code_proves(prove, approver, now):
    assert prove(code_at(now)).method == Method.TOTP


def test_a_code_may_be_typed_as_the_app_shows_it(prove, approver, now):
    code = code_at(now)

    assert prove(f" {code[:3]} {code[3:]} ").method == Method.TOTP


def test_a_code_serves_once(prove, approver, now):
    prove(code_at(now))

    with pytest.raises(WrongProof, match="has been used"):
        prove(code_at(now), about="another content")


def test_a_code_serves_once_also_when_the_cache_forgets(prove, now):
    prove(code_at(now))
    cache.clear()

    with pytest.raises(WrongProof, match="has been used"):
        prove(code_at(now))


def test_the_code_of_another_time_step_does_not_prove(prove, approver, now):
    for away in (-30, 30):
        with pytest.raises(WrongProof, match="no longer current"):
            prove(code_at(now + timedelta(seconds=away)))


def test_somebody_elses_code_does_not_prove(prove, second_approver, now):
    with pytest.raises(WrongProof):
        prove(code_at(now), person=second_approver)


def test_a_recovery_code_proves_once(prove, approver):
    code = RecoveryCodes.activate(approver).get_unused_codes()[0]

    assert prove(code).method == Method.RECOVERY
    with pytest.raises(WrongProof, match="has been used"):
        prove(code)


@pytest.mark.parametrize("word", ["", "  ", "wrong", WORD.upper(), f" {WORD}", "000000", "00000000", "\x00", "é" * 50])
def test_what_is_wrong_proves_nothing(prove, word):
    with pytest.raises(WrongProof):
        prove(word)
    assert not StepUp.objects.exists()


def test_a_wrong_one_is_recorded(prove, approver):
    with pytest.raises(WrongProof):
        prove("wrong")

    entry = Entry.objects.newest_first().first()
    assert (entry.action_type, entry.outcome, entry.actor_id) == ("step_up_refused", "refused", approver.actor.id)


def test_after_a_few_wrong_ones_the_right_one_waits_too(prove, now):
    for _ in range(step_up.TRIES):
        with pytest.raises(WrongProof):
            prove("wrong")

    with pytest.raises(WrongProof, match="Try again at 09:05:00"):
        prove(WORD)
    with time_machine.travel(now + step_up.WINDOW + timedelta(seconds=1), tick=False):
        assert prove(WORD).method == Method.PASSWORD


def test_what_comes_while_locked_out_is_recorded_once(prove):
    for _ in range(step_up.TRIES + 10):
        with pytest.raises(WrongProof):
            prove("wrong")

    assert Entry.objects.filter(action_type="step_up_refused").count() == step_up.TRIES + 1


def test_a_right_one_frees_the_tries(prove):
    for _ in range(3):
        for _ in range(step_up.TRIES - 1):
            with pytest.raises(WrongProof):
                prove("wrong")
        prove(WORD)


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_no_more_than_a_few(prove):
    def guess(_):
        try:
            prove("wrong")
        except WrongProof as wrong:
            return "Too many" in wrong.message
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(guess, range(24)))

    assert told.count(False) == step_up.TRIES
