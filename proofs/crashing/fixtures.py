"""The two made-up ledgers, and a play on them, for the proofs of this folder's neighbours."""

import pytest

from proofs.crashing import stage


@pytest.fixture(scope="session")
def two_ledgers(django_db_setup, tmp_path_factory):
    with stage.ledgers(tmp_path_factory.mktemp("ledgers")):
        yield


@pytest.fixture
def play(transactional_db, two_ledgers, settings, support, approver, seed):
    settings.BILLING_SYSTEMS = [*settings.BILLING_SYSTEMS, *stage.ROOMS]
    for slug in stage.LEDGERS:
        stage.built(slug)
    return stage.Play(support, approver, seed)


@pytest.fixture
def server():
    with stage.Server() as server:
        yield server
