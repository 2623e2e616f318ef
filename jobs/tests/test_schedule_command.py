"""manage.py schedule: cron through django-crontab, on a crontab of the test's own."""

import shutil
import subprocess
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs import crontab

FAKE = """#!/bin/sh
# A crontab that keeps its lines in a file.
case "$1" in
-l) [ -f "$CRONTAB_FILE" ] && exec cat "$CRONTAB_FILE"; echo "no crontab for tester" >&2; exit 1 ;;
*) {take} ;;
esac
"""
THEIRS = "0 1 * * * /usr/local/bin/backup # nightly backup"


@pytest.fixture
def home(settings, tmp_path, shop_jobs):
    """A checkout without odd paths."""
    settings.BASE_DIR = tmp_path
    settings.CRON_LOG = tmp_path / "cron.log"
    settings.CRONTAB_PYTHON_EXECUTABLE = "/usr/bin/python3"
    settings.CRONJOBS = crontab.cronjobs()
    settings.CRONTAB_COMMAND_PREFIX = f"cd {tmp_path} && . ./.env.cron &&"
    return tmp_path


def put_crontab(monkeypatch, tmp_path, take='cp "$1" "$CRONTAB_FILE"'):
    binary = tmp_path / "bin" / "crontab"
    binary.parent.mkdir()
    binary.write_text(FAKE.format(take=take))
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CRONTAB_FILE", str(tmp_path / "lines"))
    return tmp_path / "lines"


@pytest.fixture
def lines(home, monkeypatch, tmp_path):
    return put_crontab(monkeypatch, tmp_path)


def schedule(action):
    said = StringIO()
    call_command("schedule", action, stdout=said, stderr=said)
    return said.getvalue()


def test_install_writes_a_line_for_each_job_and_leaves_those_of_others(lines):
    lines.write_text(f"{THEIRS}\n")

    said = schedule("install")

    ours = [line for line in lines.read_text().splitlines() if line != THEIRS]
    assert "Cron runs 2 jobs." in said
    assert len(ours) == 2
    assert ours[0].startswith(f"7 * * * * cd {lines.parent} && . ./.env.cron && /usr/bin/python3 ")
    assert THEIRS in lines.read_text()


def test_install_twice_leaves_one_line_for_each_job(lines):
    schedule("install")
    schedule("install")

    assert len(lines.read_text().splitlines()) == 2


def test_install_after_a_job_has_changed_mends_its_line(lines, settings):
    schedule("install")
    settings.CRONJOBS = [("8 * * * *", *settings.CRONJOBS[0][1:])]

    schedule("install")

    assert [line[:9] for line in lines.read_text().splitlines()] == ["8 * * * *"]


def test_show_says_which_jobs_cron_has_and_which_lines_are_out_of_step(lines):
    assert schedule("show").count("not installed") == 2

    schedule("install")
    assert schedule("show").count("not installed") == 0

    lines.write_text(lines.read_text().replace("7 * * * *", "9 * * * *"))
    said = schedule("show")
    assert said.count("not installed") == 1
    assert "1 lines are out of step" in said


def test_remove_takes_our_lines_only(lines):
    lines.write_text(f"{THEIRS}\n")
    schedule("install")

    assert "2 lines removed." in schedule("remove")
    assert lines.read_text() == f"{THEIRS}\n"
    assert not (lines.parent / ".env.cron").exists()
    assert "0 lines removed." in schedule("remove")


def test_the_environment_is_kept_for_cron_and_readable_by_its_owner_alone(lines, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://site:it's secret@db/console")
    monkeypatch.setenv("PAPERCLIPS_DATABASE_URL", "postgresql://reader@db/shop")
    monkeypatch.setenv("PAPERCLIPS_WRITER_DATABASE_URL", "postgresql://writer@db/shop")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@db/console")
    monkeypatch.setenv("EDITOR", "vi")

    schedule("install")

    kept = lines.parent / ".env.cron"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "export DATABASE_URL='postgresql://site:it'\"'\"'s secret@db/console'" in kept.read_text()
    assert "PAPERCLIPS_DATABASE_URL" in kept.read_text()
    assert "WRITER_DATABASE_URL" not in kept.read_text()  # what posts is the worker's
    assert "export BILLINGADMIN_RUNNER=cron" in kept.read_text()
    assert "EDITOR" not in kept.read_text()
    assert "DATABASE_OWNER_URL" not in kept.read_text()


def test_without_crontab_it_refuses_and_says_what_to_do(home, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    for action in ("install", "show", "remove"):
        with pytest.raises(CommandError, match=r"There is no crontab on this machine\. Install it"):
            schedule(action)
    assert not (tmp_path / ".env.cron").exists()


def test_a_folder_with_a_space_is_refused_and_nothing_is_written(lines, settings, tmp_path):
    settings.BASE_DIR = tmp_path / "my console"

    with pytest.raises(CommandError, match=r"Cron cannot hold the path “.*my console”"):
        schedule("install")

    assert not lines.exists()


def test_a_crontab_that_keeps_nothing_is_found_out(home, monkeypatch, tmp_path):
    put_crontab(monkeypatch, tmp_path, take="exit 0")

    with pytest.raises(CommandError, match="crontab took the lines and does not show them"):
        schedule("install")


def test_a_crontab_that_cannot_be_read_is_not_written_over(lines, monkeypatch, tmp_path):
    (tmp_path / "bin" / "crontab").write_text("#!/bin/sh\necho 'You are not allowed to use this program' >&2\nexit 1\n")

    with pytest.raises(CommandError, match="crontab -l failed: You are not allowed"):
        schedule("install")

    assert not lines.exists()


def test_a_machine_without_a_cron_daemon_is_warned(lines, monkeypatch):
    monkeypatch.setattr(crontab, "DAEMONS", {"no such daemon"})

    assert "No cron daemon is running" in schedule("install")


def test_wrong_usage_is_one_line_and_exit_2(lines):
    with pytest.raises(CommandError) as refusal:
        schedule("forget")

    assert refusal.value.returncode == 2
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.skipif(not shutil.which("sh"), reason="there is no sh")
def test_what_cron_would_run_finds_the_environment(lines):
    schedule("install")
    command = lines.read_text().splitlines()[0].split(" ", 5)[5].partition(" /usr/bin/python3")[0]

    answer = subprocess.run(
        ["sh", "-c", f"{command} echo $BILLINGADMIN_RUNNER"], capture_output=True, text=True, cwd="/"
    )

    assert answer.stdout.strip() == "cron"
