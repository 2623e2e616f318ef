"""Every SQL statement of the runbook runs, as written, in psql against the source."""

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from billingadmin.postgres.binaries import find_binaries
from systems.imagegen.factories import ConsumptionFactory, ImageFactory, JobFactory

RUNBOOK = Path(__file__).parent / "fixtures" / "runbook.md"
BLOCKS = re.findall(r"```sql\n(.*?)```", RUNBOOK.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def functions(transactional_db):
    call_command("imagegen_functions", "install", verbosity=0)
    yield
    call_command("imagegen_functions", "uninstall", verbosity=0)


def in_psql(statement, **variables):
    settings = connections["imagegen_writer"].settings_dict
    environment = {"PGPASSWORD": settings["PASSWORD"], "PGPORT": str(settings["PORT"]), "PGHOST": settings["HOST"]}
    given = [f"--set={name}='{value}'" for name, value in variables.items()]
    command = [find_binaries() / "psql", "--no-psqlrc", "--csv", "--set=ON_ERROR_STOP=1", *given]
    command += [f"--username={settings['USER']}", settings["NAME"]]
    done = subprocess.run(command, input=statement, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_runbook_has_six_statements():
    assert len(BLOCKS) == 6


@pytest.mark.django_db(transaction=True)
def test_every_statement_runs_as_written(functions):
    job = JobFactory(succeeded=True)
    image = ImageFactory()
    charge = ConsumptionFactory(job=job, related_generation_id=image.id)
    told = {"job_id": job.id, "related_generation_id": image.id}

    duplicates, detected, monitored, jobs, ledger, images = (in_psql(block, **told) for block in BLOCKS)

    assert len(duplicates) == 1
    assert detected[0].startswith("anomaly_type,job_id,user_id,job_status,consumption_tx_id,refund_tx_id,observed_at")
    assert '""logged"": false' in monitored[1]
    assert jobs[1].startswith(str(job.id))
    assert ledger[1].startswith(str(charge.id))
    assert images[1].startswith(str(image.id))
