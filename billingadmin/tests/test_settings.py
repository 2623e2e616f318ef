"""What the environment may say, tried on the settings themselves, and on the commands as a person would call them."""

import os
import socket
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from billingadmin import environment, supervisor
from billingadmin.postgres import embedded
from billingadmin.postgres.cluster import HOME

REAL = "postgresql://site:secret@127.0.0.1:1/console"


def called(*arguments, **changes):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("BILLINGADMIN", "DJANGO", "SECRET"))
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=HOME, env={**kept, **changes}, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": REAL}, "DATABASE_URL is set, so set SECRET_KEY (or SECRET_KEY_FILE) as well."),
        ({"DATABASE_URL": "mysql://h/n"}, "DATABASE_URL must begin with postgresql:// or sqlite:////."),
        ({"DEBUG": "maybe"}, "DEBUG must be true or false, not “maybe”."),
    ],
)
def test_a_wrong_setting_is_one_line(changes, said):
    done = called("manage.py", "check", **changes)

    assert (done.returncode, done.stderr) == (os.EX_CONFIG, f"{said}\n")


def test_a_database_that_cannot_be_reached_is_one_line():
    done = called("manage.py", "set_up", DATABASE_URL=REAL, SECRET_KEY="x")

    assert done.returncode == os.EX_UNAVAILABLE
    assert done.stderr.startswith("The database cannot be reached: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--port", "many"], ["--port", "0"], ["--nonsense"]])
def test_wrong_usage_of_the_server_is_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        supervisor.main(arguments)

    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_taken_port_is_one_line(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        assert supervisor.main(["--port", str(port)]) == os.EX_UNAVAILABLE
    assert capsys.readouterr().err == f"Port {port} is taken. Choose another: script/server --port {port + 1}\n"


# The parts -----------------------------------------------------------------------------------------------------------


def test_a_secret_may_stand_in_a_file(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "key"))

    assert environment.envsecret("KEY") == "from the file"


def test_a_secret_whose_file_is_missing_is_an_error(monkeypatch):
    monkeypatch.setenv("KEY_FILE", "/nowhere")

    with pytest.raises(ImproperlyConfigured, match="KEY_FILE cannot be read: No such file or directory"):
        environment.envsecret("KEY")


def test_a_number_must_be_one(monkeypatch):
    monkeypatch.setenv("EMAIL_PORT", "smtp")

    with pytest.raises(ImproperlyConfigured, match="EMAIL_PORT must be a whole number"):
        environment.envint("EMAIL_PORT", 25)


def test_every_answer_carries_the_policy_and_an_id():
    answer = Client().get("/nowhere/")

    assert answer["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert len(answer["X-Request-ID"]) == 32


@pytest.mark.parametrize(("given", "kept"), [("trace-1", True), ("a b", False), ("x" * 65, False)])
def test_a_plain_request_id_of_the_proxy_is_kept(given, kept):
    answer = Client().get("/nowhere/", headers={"X-Request-ID": given})

    assert (answer["X-Request-ID"] == given) is kept


SERVING = """
import django
django.setup()
from django.db import connections
from billingadmin import web
connections["owner"]
web.forget_owner()
print(connections["owner"].settings_dict["USER"], "imagegen_writer" in connections.settings)
"""


def test_what_serves_pages_is_neither_the_owner_nor_a_writer():
    urls = {"DATABASE_URL": REAL, "DATABASE_OWNER_URL": REAL.replace("site", "owner"), "SECRET_KEY": "x"}
    urls |= {"IMAGEGEN_DATABASE_URL": REAL, "IMAGEGEN_WRITER_DATABASE_URL": REAL, "BILLINGADMIN_WRITERS": "0"}
    kept = supervisor.without_writers(urls)

    done = called("-c", SERVING, DJANGO_SETTINGS_MODULE="billingadmin.settings", **kept)

    assert (done.stdout, done.stderr) == ("site False\n", "")


def test_the_job_worker_may_write_and_not_migrate():
    urls = {"DATABASE_OWNER_URL": "o", "IMAGEGEN_WRITER_DATABASE_URL": "w"}

    assert supervisor.without_owner(urls) == {"IMAGEGEN_WRITER_DATABASE_URL": "w"}


def test_a_folder_of_data_that_is_somebody_elses_is_one_line():
    done = called("manage.py", "check", BILLINGADMIN_DATA="/proc/nobody")

    assert done.returncode == os.EX_UNAVAILABLE
    assert done.stderr.startswith("/proc/nobody/secret: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(None, True), ("IMAGEGEN_DATABASE_URL", False), ("OTHER_DATABASE_URL", True), ("DATABASE_URL", False)],
)
def test_one_real_database_means_no_demo(given, wanted, monkeypatch, tmp_path):
    monkeypatch.setenv("BILLINGADMIN_DATA", str(tmp_path))
    if given:
        monkeypatch.setenv(given, REAL)

    assert embedded.wants_demo() is wanted


def test_sign_ins_are_said_again_and_only_with_the_demo(monkeypatch, tmp_path):
    monkeypatch.setenv("BILLINGADMIN_DATA", str(tmp_path))
    embedded.keep_sign_ins("ada  secret")

    assert embedded.sign_ins() == "ada  secret"
    assert (tmp_path / "site" / "sign-ins").stat().st_mode & 0o777 == 0o600
    embedded.remember(empty=True)
    assert embedded.sign_ins() == ""
