"""Whatever an owner of the tables does to the audit log is found and located, by three verifiers that agree.

The rows are written by the console's own function, each entry is anchored (as money events are), and then changed by
the owner with all guards off.
"""

from collections import defaultdict

import pytest
from django.db import connections, transaction
from django.utils import timezone

from audit import anchors, export, verification
from audit.factories import make_entry
from audit.verification import Fault, Verdict, verify
from audit.verifier import verify_audit_export as outsider
from proofs import tampering

pytestmark = pytest.mark.django_db(transaction=True)

ENTRIES = 40


@pytest.fixture
def file(tmp_path, settings):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    return tmp_path / "anchors.jsonl"


def grow(count, chance, *, anchored=1):
    """The console at work: each entry in a transaction of its own, an anchor after every so many."""
    for number in range(1, count + 1):
        with transaction.atomic():
            make_entry(
                action_type=chance.choice(["adjustment_approved", "adjustment_applied", "signed_in"]),
                target_id=number,
                reason=chance.choice(["", "The job failed.", "返金 “quoted” \\ \t"]),
                metadata={"after": {"amount": chance.randrange(10_000), "état": None}},
            )
        if number % anchored == 0:
            anchors.write(timezone.now())


def verdicts(tmp_path, *, with_export):
    """What each of the three says of the log as it stands."""
    known, now = anchors.known()[0], timezone.now()
    found = {"walk": verify(anchors=known, now=now), "database": verify(anchors=known, now=now, fast=True)}
    if with_export:
        (tmp_path / "log.zip").write_bytes(b"".join(export.archive(None, now)))
        found["export"] = outsider.verify_export(tmp_path / "log.zip", [anchors.path()])
    return found


# Tampering -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def prove_tampering(planted, file, tmp_path, chance, figure, progress):
    def prove(count, *, anchored=1):
        grow(ENTRIES, chance, anchored=anchored)
        tampering.open_up(planted)
        whole, missed = tampering.rows(), defaultdict(set)
        for number in progress(range(count * len(tampering.KINDS))):
            kind = tampering.KINDS[number % len(tampering.KINDS)]
            changed, where = kind(whole, chance)
            tampering.put(changed)
            for means, finding in verdicts(tmp_path, with_export=number % 5 == 0).items():
                if finding.verdict != Verdict.BROKEN or not finding.position <= where <= finding.until:
                    missed[f"{kind.__name__} by {means}"].add(number)
        tampering.put([])
        tell(figure, count, missed)

    return prove


def tell(figure, count, missed):
    total, bad = count * len(tampering.KINDS), set().union(*missed.values())
    figure(f"{len(tampering.KINDS)} kinds × {count}: {total - len(bad):,} of {total:,} found and located")
    assert not bad, f"not located: {', '.join(missed)}"


@pytest.mark.proof("tampering")
def test_whatever_an_owner_does_is_found_and_located(prove_tampering, times):
    prove_tampering(times(full=100, small=2))


@pytest.mark.proof("clean logs")
def test_a_clean_log_raises_no_alarm(file, tmp_path, times, figure, progress, chance):
    count, alarms = times(full=500, small=8), []
    for number in progress(range(count)):
        grow(chance.randrange(1, 4), chance)
        found = verdicts(tmp_path, with_export=number % 10 == 0)
        alarms += [finding for finding in found.values() if finding.verdict != Verdict.INTACT]
        assert len({repr(finding) for finding in found.values()}) == 1, f"they disagree: {found}"
    figure(f"{count} clean logs, up to {found['walk'].entries:,} entries: {len(alarms)} false alarms")
    assert not alarms


# Planted defects -----------------------------------------------------------------------------------------------------


@pytest.mark.sensitivity("tampering")
def test_a_verifier_without_anchors_would_be_caught(planted, caught, prove_tampering):
    planted.function(outsider, "compared", lambda walked, anchors: (None, None))
    with caught("anchors are not compared", match="not located: .*cut_the_tail by walk.*edit_the_last"):
        prove_tampering(3)


@pytest.mark.sensitivity("tampering")
def test_anchors_that_are_too_rare_would_be_caught(caught, prove_tampering):
    with caught("an anchor for every seventh entry only", match="not located: .*edit_the_last by walk"):
        prove_tampering(3, anchored=7)


@pytest.mark.sensitivity("tampering")
def test_a_verifier_of_links_alone_would_be_caught(planted, caught, prove_tampering):
    def links(row, position, previous_hash):
        return Fault.MISSING if row.position != position else Fault.LINK if row.previous_hash != previous_hash else None

    planted.function(outsider, "fault_of", links)
    with caught("only links are compared", match="not located: .*edit_a_field by walk"):
        prove_tampering(3)


@pytest.mark.sensitivity("tampering")
def test_columns_that_are_not_compared_would_be_caught(planted, caught, prove_tampering):
    planted.function(outsider, "says_the_same", lambda columns, canonical: True)
    with caught("columns are not compared", match="not located: .*edit_a_field by walk"):
        prove_tampering(3)


@pytest.mark.sensitivity("tampering")
def test_a_database_that_hashes_nothing_would_be_caught(planted, caught, prove_tampering):
    asked = verification._row
    planted.function(verification, "_row", lambda name, **of: [None, None] if name == "contents" else asked(name, **of))
    with caught("the database hashes nothing", match="not located: .*edit_the_text by database"):
        prove_tampering(3)


@pytest.mark.sensitivity("clean logs")
def test_a_hash_that_is_misread_would_be_caught(planted, caught, file, tmp_path, chance):
    planted.function(outsider, "TAG", "billingadmin audit 2")
    grow(2, chance)
    with caught("the seal is computed wrongly", match="false alarm"):
        assert verdicts(tmp_path, with_export=False)["walk"].verdict == Verdict.INTACT, "false alarm"


def test_guards_switched_off_are_what_the_attack_needs(chance, file):
    """Without the owner's preparation nothing of it can be done at all."""
    grow(2, chance)
    for attack in ("update admin_audit_log set reason = ''", "delete from admin_audit_log", "truncate admin_audit_log"):
        with pytest.raises(Exception, match="only grows"):
            connections["owner"].cursor().execute(attack)
