"""What somebody who owns the tables can do to the audit log, once the guards are off: seventeen kinds of it.

Each kind takes the rows as they were, changes the list, and answers the first position that is not what it was. Rows
are sealed as the console seals them: whoever can do this has read the source.
"""

import json
from datetime import timedelta

from django.db import connections

from audit.verification import BEFORE_THE_FIRST, fixed_form, seal, told

SAID = (
    *("at", "actor_id", "actor", "action_type", "target_type", "target_id", "outcome", "reason", "job_id", "tx_id"),
    *("system", "correlation_id", "metadata"),
)
COLUMNS = ("position", *SAID, "canonical", "previous_hash", "hash")
GUARDS = ("admin_audit_log_no_change", "admin_audit_log_no_truncate", "jobs_anchor_audit_log")
CHECKS = (
    *("admin_audit_log_canonical_says_the_same", "admin_audit_log_hash_seals", "admin_audit_log_one_successor"),
    *("admin_audit_log_pkey", "admin_audit_log_position_counts"),
)


def open_up(planted):
    """All guards off, as the owner can have it; they are put back when the test has ended."""
    for guard in GUARDS:
        planted.without_trigger("admin_audit_log", guard)
    for check in CHECKS:
        planted.without_constraint("admin_audit_log", check)


def rows():
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"select {', '.join(COLUMNS)} from admin_audit_log order by position")
        found = [dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()]
    return [{**row, "metadata": json.loads(row["metadata"])} for row in found]


def put(found):
    """These rows, and no others, are the log from now on."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("truncate admin_audit_log")
        values = [[_stored(row[name]) for name in COLUMNS] for row in found]
        marks = ", ".join(["%s"] * len(COLUMNS))
        cursor.executemany(f"insert into admin_audit_log ({', '.join(COLUMNS)}) values ({marks})", values)


def _stored(value):
    return told(value) if isinstance(value, dict) else value


def sealed(row, **changes):
    row = {**row, **changes}
    row["canonical"] = told({name: row[name] for name in SAID[1:]} | {"at": fixed_form(row["at"])})
    return {**row, "hash": seal(row["position"], row["previous_hash"], row["canonical"])}


def chained(found):
    """The whole chain made anew: contiguous, sealed, consistent in itself."""
    previous, chain = BEFORE_THE_FIRST, []
    for position, row in enumerate(found, start=1):
        chain.append(sealed(row, position=position, previous_hash=previous))
        previous = chain[-1]["hash"]
    return chain


def _some(found, chance, *, last=0):
    """The index of one that is neither the first nor among the last."""
    return chance.randrange(1, len(found) - max(1, last))


def _with(found, index, row):
    return [*found[:index], row, *found[index + 1 :]]


# The kinds -----------------------------------------------------------------------------------------------------------


def edit_a_field(found, chance):
    at = _some(found, chance)
    name = chance.choice([name for name in SAID if name not in ("at", "metadata")])
    return _with(found, at, {**found[at], name: found[at][name] + "x"}), at + 1


def edit_the_metadata(found, chance):
    at = _some(found, chance)
    changed = {"after": {"amount": found[at]["metadata"]["after"]["amount"] + 1}}
    return _with(found, at, {**found[at], "metadata": changed}), at + 1


def edit_the_text(found, chance):
    at = _some(found, chance)
    text = found[at]["canonical"].replace("done", "gone")
    return _with(found, at, {**found[at], "canonical": text}), at + 1


def edit_and_seal(found, chance):
    at = _some(found, chance)
    return _with(found, at, sealed(found[at], reason="nicer")), at + 1


def edit_and_chain(found, chance):
    at = _some(found, chance)
    return chained(_with(found, at, {**found[at], "actor": "Somebody Else"})), at + 1


def delete_one(found, chance):
    at = _some(found, chance)
    return [*found[:at], *found[at + 1 :]], at + 1


def delete_and_chain(found, chance):
    at = _some(found, chance)
    return chained([*found[:at], *found[at + 1 :]]), at + 1


def cut_the_tail(found, chance):
    left = chance.randrange(1, len(found))
    return found[:left], left + 1


def cut_the_beginning(found, chance):
    return found[_some(found, chance) :], 1


def wipe_and_rebuild(found, chance):
    return chained([{**row, "reason": "rebuilt"} for row in found]), 1


def roll_back_and_append(found, chance):
    left = chance.randrange(1, len(found))
    return chained([*found[:left], *({**row, "actor_id": "person:99"} for row in found[left:])]), left + 1


def edit_the_last(found, chance):
    return _with(found, len(found) - 1, sealed(found[-1], outcome="refused")), len(found)


def swap_two(found, chance):
    at, other = sorted(chance.sample(range(len(found)), 2))
    one, two = found[at]["position"], found[other]["position"]
    swapped = _with(found, at, {**found[other], "position": one})
    return _with(swapped, other, {**found[at], "position": two}), at + 1


def insert_a_forged_one(found, chance):
    at = _some(found, chance)
    forged = {**found[at], "action_type": "adjustment_approved", "actor_id": "person:1"}
    return chained([*found[:at], forged, *found[at:]]), at + 1


def change_the_time(found, chance):
    at = _some(found, chance)
    return chained(_with(found, at, {**found[at], "at": found[at]["at"] - timedelta(hours=1)})), at + 1


def number_one_twice(found, chance):
    at = _some(found, chance)
    return [*found[: at + 1], sealed(found[at], reason="also"), *found[at + 1 :]], at + 1


def truncate(found, chance):
    return [], 1


KINDS = (
    *(edit_a_field, edit_the_metadata, edit_the_text, edit_and_seal, edit_and_chain, delete_one, delete_and_chain),
    *(cut_the_tail, cut_the_beginning, wipe_and_rebuild, roll_back_and_append, edit_the_last, swap_two),
    *(insert_a_forged_one, change_the_time, number_one_twice, truncate),
)
