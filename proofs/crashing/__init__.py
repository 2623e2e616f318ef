"""Killing on purpose: named points at which a process dies, two made-up ledgers, and what must be true afterwards."""
