"""What the proofs share: their size, their seed, their figures, and the planting of defects that they must catch.

``script/prove`` runs them at full size, one after another; ``script/test`` runs the same at a small size, beside all
other tests. A proof ends by telling its ``figure``; the figures stand together at the end of a run.
"""

import random
import sys
import time

import pytest

import accounts.changes
from accounts.factories import enrolled
from accounts.roles import Role
from adjustments.tests.conftest import *  # noqa: F403  (the shop and the kiosk, and the verbs as their pages use them)
from proofs.crashing.fixtures import *  # noqa: F403  (two ledgers on which one may be killed)
from proofs.planting import Planting

THIRD_PASSWORD = "demo-orchard-77"
SMALL_SEED = 20261102  # in script/test, so that every run of it is the same
SPEAK_EVERY = 5  # seconds
FIGURES = []


def pytest_addoption(parser):
    group = parser.getgroup("proofs")
    group.addoption("--full-size", action="store_true", help="the sizes that the figures are about (script/prove)")
    group.addoption("--seed", type=int, help="of every choice that a proof leaves to chance")


# Size, seed and figure -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def full_size(pytestconfig):
    return pytestconfig.getoption("full_size", default=False)


@pytest.fixture
def times(full_size):
    """How often: ``times(full=10_000, small=25)``."""
    return lambda *, full, small: full if full_size else small


@pytest.fixture
def seed(pytestconfig, full_size):
    """The run's seed. A failing proof shows it, and ``--seed`` has it run again with the same choices."""
    given = pytestconfig.getoption("seed", default=None)
    chosen = given if given is not None else random.randrange(10**9) if full_size else SMALL_SEED
    print(f"--seed {chosen}")
    return chosen


@pytest.fixture
def chance(seed):
    return random.Random(seed)


@pytest.fixture
def figure(request, seed, aloud):
    """Tells what the proof found, in one line with its name, the seconds it took and its seed."""
    begun = time.monotonic()

    def figure(text):
        line = f"{_name_of(request.node)}: {text} ({time.monotonic() - begun:.0f} s, seed {seed})"
        request.node.user_properties.append(("figure", line))
        aloud(line)

    return figure


def _name_of(item):
    marker = item.get_closest_marker("proof") or item.get_closest_marker("sensitivity")
    return marker.args[0]


@pytest.fixture
def aloud(request, full_size):
    """Prints past pytest's capturing; in a small run the figures at its end are enough."""
    capturing = request.config.pluginmanager.getplugin("capturemanager")

    def aloud(line, end="\n"):
        if full_size:
            with capturing.global_and_fixture_disabled():
                print(line, end=end, flush=True)

    return aloud


@pytest.fixture
def progress(request, aloud):
    """Walks through a sequence, and says every few seconds how far it is: ``for race in progress(range(count))``."""
    before, after = ("\r\033[K", "") if sys.__stdout__.isatty() else ("", "\n")

    def progress(sequence):
        begun = spoken = time.monotonic()
        for number, member in enumerate(sequence):
            if time.monotonic() - spoken > SPEAK_EVERY:
                spoken = time.monotonic()
                pace = f"{number / (spoken - begun):,.1f} a second"
                aloud(f"{before}  {_name_of(request.node)}: {number:,} of {len(sequence):,}, {pace}", end=after)
            yield member
        if spoken > begun:
            aloud(before, end="")

    return progress


def pytest_runtest_logreport(report):
    if report.when == "call":
        FIGURES.extend(text for name, text in report.user_properties if name == "figure")


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("figures")
        for line in FIGURES:
            terminalreporter.line(line)


# The cast ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def third_approver(admin, second_admin, now):
    invited = accounts.changes.invite(
        email="ines.keller@billing.example",
        name="Ines Keller",
        roles=[Role.APPROVER],
        reason="A third pair of eyes.",
        password=THIRD_PASSWORD,
        by=admin,
        now=now,
    )
    return enrolled(accounts.changes.confirm(change=invited, by=second_admin, now=now).person)


# Planted defects -----------------------------------------------------------------------------------------------------

PLANTING = pytest.StashKey[Planting]()


@pytest.fixture
def planted(request, django_db_blocker):
    """Plants defects, and takes them out again when the test's rows have been flushed (planting.py)."""
    committing = request.node.get_closest_marker("django_db").kwargs.get("transaction")
    assert committing, "The owner plants on a connection of its own: so the test must commit."
    planting = request.node.stash[PLANTING] = Planting(unblock=django_db_blocker.unblock)
    return planting


@pytest.fixture
def caught(planted, figure):
    """The proof within must fail, saying so: ``with caught("nobody holds the request", "decided twice"): prove()``."""
    return lambda defect, match: planted.caught(defect, match=match, tell=figure)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    try:
        return (yield)
    finally:
        if nextitem and (planting := item.stash.get(PLANTING, None)):
            planting.take_out()
