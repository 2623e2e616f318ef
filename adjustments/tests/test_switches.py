"""Switches: one person flips at once, the value is read back, another reviews; on all three backends, really run."""

import os
import stat
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from adjustments.standing import Refusal
from adjustments.switches import backends, flipping, looking, panels
from adjustments.switches.models import Flip, FlipState, Opinion, Review, Sight
from adjustments.switches.standing import standing, value_of
from adjustments.tests.test_guards import PERMISSION, refused
from audit.models import Entry
from health.probing import Clock
from systems import registry
from systems.base import Level

pytestmark = pytest.mark.django_db

WHY = "The supplier asked for it."
HOUR = timedelta(hours=1)
SHUTTER = """#!/bin/sh
case "$1" in
  tell) [ -e {folder}/mute ] && exit 3; cat {folder}/state ;;
  set) [ -e {folder}/hangs ] && sleep 60
       [ -e {folder}/jammed ] && {{ echo "It is jammed."; exit 1; }}
       echo "$2" > {folder}/state ;;
esac
"""


@pytest.fixture
def shop():
    return registry.get("paperclips")


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "shop.conf"
    path.write_text("# prices\nPRICE=100\nSIZE=7\n")
    path.chmod(0o640)
    monkeypatch.setenv("PAPERCLIPS_FILE", str(path))
    return path


@pytest.fixture
def shutter(tmp_path, monkeypatch):
    """The shop's shutter: a program, and what it keeps."""
    (tmp_path / "state").write_text("open\n")
    program = tmp_path / "shutter"
    program.write_text(SHUTTER.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PAPERCLIPS_SHUTTER", str(program))
    return tmp_path


@pytest.fixture
def flip(shop, now, support):
    """Asks, and lets the worker do it."""

    def flip(code, value, person=None, at=now, until=None, worked=True):
        asked = {"value": value, "person": person or support, "reason": WHY, "now": at, "until": until}
        flipped = flipping.flip(system=shop, switch=shop.switch(code), **asked)
        if worked and flipped.state == FlipState.ASKED:
            flipping.perform(flipped.pk, at, lambda: at)
        flipped.refresh_from_db()
        return flipped

    return flip


@pytest.fixture
def stands(shop, now):
    return lambda code, at=now: standing(shop, shop.switch(code), at)


# Flipping ------------------------------------------------------------------------------------------------------------


def test_a_value_that_the_console_keeps_is_flipped_at_once(flip, shop):
    flipped = flip("sale", "on", worked=False)

    assert (flipped.state, flipped.before_value, flipped.effective_value) == (FlipState.DONE, "off", "on")
    assert value_of("paperclips", shop.switch("sale")) == "on"


def test_a_file_is_replaced_at_one_stroke_and_nothing_else_of_it_moves(flip, file):
    flipped = flip("price", "120")

    assert (flipped.state, flipped.before_value, flipped.effective_value) == (FlipState.DONE, "100", "120")
    assert file.read_text() == "# prices\nPRICE=120\nSIZE=7\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["shop.conf"]


def test_a_program_is_run_and_asked_afterwards(flip, shutter):
    flipped = flip("shutter", "closed")

    assert (flipped.state, flipped.before_value, flipped.effective_value) == (FlipState.DONE, "open", "closed")


def test_it_is_all_recorded_with_the_value_before_and_after(flip, file, support):
    flip("price", "120")

    told = Entry.objects.about("switch", "paperclips:price").order_by("position")
    assert [entry.action_type for entry in told] == [
        "switch_flip_asked",
        "switch_flip_under_way",
        "switch_flip_done",
    ]
    assert {entry.reason for entry in told} == {WHY}
    assert told[0].actor_id == f"person:{support.pk}"
    assert (told[2].metadata["before"], told[2].metadata["after"]) == ({"value": "100"}, {"value": "120"})


def test_a_value_that_it_does_not_take_is_refused(flip, file):
    for value in ("", "-1", "1001", "120; rm -rf /"):
        with pytest.raises(Refusal, match="no value"):
            flip("price", value)


def test_nobody_flips_without_a_reason_or_the_right(flip, shop, support, manager, now):
    asked = {"system": shop, "switch": shop.switch("sale"), "value": "on", "now": now, "until": None}
    with pytest.raises(Refusal):
        flipping.flip(person=support, reason=" ", **asked)
    with pytest.raises(Refusal, match="roles"):
        flipping.flip(person=manager, reason=WHY, **asked)


def test_one_at_a_time(flip, file):
    flip("price", "120", worked=False)

    with pytest.raises(Refusal, match="at this moment"):
        flip("price", "130", worked=False)


def test_it_is_done_once_however_often_the_worker_comes(flip, shutter, now):
    flipped = flip("shutter", "closed")
    (shutter / "state").write_text("open\n")

    flipping.perform(flipped.pk, now, lambda: now)

    assert (shutter / "state").read_text() == "open\n"


# What goes wrong -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_not_touched(flip, file):
    file.write_text("nothing here\n")

    flipped = flip("price", "120")

    assert flipped.state == FlipState.FAILED
    assert "no line PRICE=" in flipped.why
    assert file.read_text() == "nothing here\n"


def test_what_is_not_configured_says_so(flip):
    assert "Set PAPERCLIPS_FILE" in flip("price", "120").why


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_written_says_so(flip, file):
    file.parent.chmod(0o555)

    flipped = flip("price", "120")

    file.parent.chmod(0o755)
    assert flipped.state == FlipState.FAILED
    assert "may not" in flipped.why


def test_a_folder_that_refuses_is_told_and_the_file_stays(flip, file, monkeypatch):
    def refuse(**named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("adjustments.switches.files.tempfile.mkstemp", refuse)

    flipped = flip("price", "120")

    assert (flipped.state, flipped.effective_value) == (FlipState.FAILED, "100")
    assert "may not do this" in flipped.why


def test_a_program_that_says_no_is_told_with_its_words(flip, shutter):
    (shutter / "jammed").touch()

    flipped = flip("shutter", "closed")

    assert (flipped.state, flipped.effective_value) == (FlipState.FAILED, "open")
    assert "It is jammed." in flipped.why


def test_a_program_that_hangs_is_killed_and_what_it_did_is_read_back(flip, shutter):
    (shutter / "hangs").touch()

    flipped = flip("shutter", "closed")

    assert (flipped.state, flipped.effective_value) == (FlipState.FAILED, "open")
    assert "killed" in flipped.why


def test_where_it_cannot_be_read_back_the_outcome_is_unknown_until_it_can(flip, shutter, stands, now, monkeypatch):
    write = backends.write

    def and_fall_silent(switch, value):
        answer = write(switch, value)
        (shutter / "mute").touch()
        return answer

    monkeypatch.setattr(backends, "write", and_fall_silent)
    flipped = flip("shutter", "closed")
    assert flipped.state == FlipState.UNKNOWN
    assert stands("shutter").level == Level.WARNING

    (shutter / "mute").unlink()
    looking.look(now)

    flipped.refresh_from_db()
    assert (flipped.state, flipped.effective_value) == (FlipState.DONE, "closed")


def test_what_a_dead_worker_left_is_read_back_and_never_tried_again(flip, shutter, now, monkeypatch):
    monkeypatch.setattr(backends, "write", lambda *given: 1 / 0)
    flipped = flip("shutter", "closed", worked=False)
    with pytest.raises(ZeroDivisionError):
        flipping.perform(flipped.pk, now, lambda: now)

    looking.look(now + looking.LONGEST / 2)
    flipped.refresh_from_db()
    assert (flipped.state, flipped.before_value) == (FlipState.UNDER_WAY, "open")

    looking.look(now + looking.LONGEST)
    flipped.refresh_from_db()
    assert flipped.state == FlipState.FAILED


def test_what_the_worker_comes_to_too_late_is_not_done(flip, shutter, now):
    flipped = flip("shutter", "closed", worked=False)

    flipping.perform(flipped.pk, now + HOUR, lambda: now + HOUR)

    flipped.refresh_from_db()
    assert flipped.state == FlipState.FAILED
    assert (shutter / "state").read_text() == "open\n"


# Until ---------------------------------------------------------------------------------------------------------------


def test_it_flips_back_by_itself_when_its_time_has_passed(flip, file, now):
    flipped = flip("price", "120", until=now + HOUR)
    flipping.return_due(now + HOUR / 2)
    assert not Flip.objects.exclude(pk=flipped.pk)

    for _twice in range(2):
        flipping.return_due(now + HOUR)
    back = Flip.objects.get(returns=flipped)
    flipping.perform(back.pk, now + HOUR, lambda: now + HOUR)

    assert "PRICE=100" in file.read_text()
    back.refresh_from_db()
    assert (back.state, back.flipped_by, back.review_by) == (FlipState.DONE, None, None)


def test_a_value_that_somebody_set_meanwhile_is_not_overwritten(flip, file, stands, now):
    flipped = flip("price", "120", until=now + HOUR)
    file.write_text("PRICE=200\n")

    flipping.return_due(now + HOUR)
    back = Flip.objects.get(returns=flipped)
    flipping.perform(back.pk, now + HOUR, lambda: now + HOUR)

    back.refresh_from_db()
    assert (back.state, file.read_text()) == (FlipState.LEFT, "PRICE=200\n")
    assert stands("price", now + HOUR).drifts


def test_what_was_flipped_again_is_not_flipped_back(flip, now):
    flip("sale", "on", until=now + HOUR)
    flip("sale", "on", at=now + HOUR / 2)

    flipping.return_due(now + HOUR)

    assert not Flip.objects.exclude(returns=None)


def test_where_only_people_flip_back_it_is_critical_when_they_are_late(flip, shutter, stands, now):
    flip("shutter", "closed", until=now + HOUR)
    looking.look(now + HOUR)

    flipping.return_due(now + HOUR)

    assert not Flip.objects.exclude(returns=None)
    assert stands("shutter", now + HOUR).level == Level.CRITICAL
    assert "was to be set back" in stands("shutter", now + HOUR).why


def test_until_lies_ahead(flip, now):
    with pytest.raises(Refusal, match="ahead"):
        flip("sale", "on", until=now - HOUR)


# The review ----------------------------------------------------------------------------------------------------------


def reviewed(flip, person, now, opinion=Opinion.CONFIRM, note="", back=False):
    return flipping.review(flip=flip, person=person, opinion=opinion, note=note, back=back, now=now)


def test_a_second_person_confirms(flip, approver, now):
    flipped = flip("sale", "on")

    reviewed(flipped, approver, now)

    assert not Flip.objects.to_review().exists()
    assert Entry.objects.filter(action_type="switch_review_confirm").get().actor_id == f"person:{approver.pk}"


def test_or_objects_with_a_note_which_can_flip_it_back(flip, shop, approver, now):
    flipped = flip("sale", "on")
    with pytest.raises(Refusal):
        reviewed(flipped, approver, now, Opinion.OBJECT, " ")

    reviewed(flipped, approver, now, Opinion.OBJECT, "Not in November.", back=True)

    assert value_of("paperclips", shop.switch("sale")) == "off"
    assert Flip.objects.get(returns=flipped).flipped_by == approver
    assert not Flip.objects.to_review().exists()


def test_nobody_reviews_their_own_flip(flip, approver, now):
    flipped = flip("sale", "on", approver)

    with pytest.raises(Refusal, match="another"):
        reviewed(flipped, approver, now)


def test_who_may_not_thaw_does_not_review(flip, support, approver, now):
    flipped = flip("sale", "on", approver)

    with pytest.raises(Refusal, match="approver"):
        reviewed(flipped, support, now)


def test_it_is_reviewed_once(flip, approver, second_approver, now):
    flipped = flip("sale", "on")
    reviewed(flipped, approver, now)

    with pytest.raises(Refusal, match="faster"):
        reviewed(flipped, second_approver, now)


def test_after_a_day_without_a_review_it_is_critical_under_the_name_of_the_switch(flip, shop, now):
    flip("sale", "on")
    reading = {probe.code: probe for probe in panels.probes(shop)}["sale"]

    assert reading.measure(Clock(now + 23 * HOUR)).level == Level.OK
    late = reading.measure(Clock(now + 24 * HOUR))

    assert late.level == Level.CRITICAL
    assert panels.figures(now + 24 * HOUR)["paperclips"][0]["level"] == "critical"


def test_what_failed_needs_no_review(flip, file):
    file.unlink()

    assert flip("price", "120").state == FlipState.FAILED
    assert not Flip.objects.to_review().exists()


# Drift and readings --------------------------------------------------------------------------------------------------


def test_a_value_that_the_console_did_not_set_is_a_warning(flip, file, shop, stands, now):
    flip("price", "120")
    file.write_text("PRICE=99\n")

    looking.look(now)

    assert stands("price").drifts
    reading = {probe.code: probe for probe in panels.probes(shop)}["price"].measure(Clock(now))
    assert reading.level == Level.WARNING
    assert "99" in reading.why
    assert "120" in reading.why


def test_what_cannot_be_read_is_unknown_and_never_shown_as_healthy(stands, now):
    looking.look(now)

    assert stands("price").level == Level.UNKNOWN
    assert "Set PAPERCLIPS_FILE" in stands("price").why
    assert Sight.objects.get(switch="price").value is None


def test_a_sight_that_is_old_tells_nothing(file, stands, now):
    looking.look(now)

    assert stands("price").level == Level.OK
    assert stands("price", now + HOUR).level == Level.UNKNOWN


# The database --------------------------------------------------------------------------------------------------------


def test_what_was_flipped_is_neither_changed_nor_deleted(flip):
    flip("sale", "on")

    refused(PERMISSION, "delete from adjustments_flip")
    refused(PERMISSION, "update adjustments_flip set value = 'off'")
    refused("flip_move_is_legal", "update adjustments_flip set state = 'asked'")


@pytest.mark.django_db(transaction=True)
def test_not_even_by_the_owner(flip, approver, now):
    reviewed(flip("sale", "on"), approver, now)

    refused("flip_never_changes", "update adjustments_flip set value = 'off'", alias="owner")
    refused("flip_stays", "delete from adjustments_flip", alias="owner")
    refused("review_stays", "update adjustments_review set note = 'x'", alias="owner")
    refused("review_stays", "delete from adjustments_review", alias="owner")


def test_the_database_knows_who_may_flip_back_and_to_what(flip, approver, now):
    flipped = flip("sale", "on")
    back = {"system": "paperclips", "switch": "sale", "reason": WHY, "asked_at": now, "returns": flipped}

    for changed, sentence in (
        ({"value": "off"}, "when its time has passed"),
        ({"value": "on", "flipped_by": approver}, "value that was before"),
        ({"value": "off", "flipped_by": approver}, "what they object to"),
    ):
        with transaction.atomic(), pytest.raises(IntegrityError, match=sentence):
            Flip.objects.create(**back | changed)


def test_a_review_by_hand_is_refused_like_one_by_the_page(flip, support, now):
    flipped = flip("sale", "on")

    with transaction.atomic(), pytest.raises(IntegrityError, match="does not review it"):
        Review.objects.create(flip=flipped, opinion=Opinion.CONFIRM, reviewer=support, at=now)
