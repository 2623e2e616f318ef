import pytest

from billingadmin.checks import only_the_worker_writes, the_server_has_connections_enough, the_site_is_not_the_owner


def test_a_site_that_owns_its_tables_is_warned_about(settings, monkeypatch):
    assert the_site_is_not_the_owner(None) == []
    monkeypatch.setitem(settings.DATABASES["owner"], "USER", settings.DATABASES["default"]["USER"])

    assert [warning.id for warning in the_site_is_not_the_owner(None)] == ["billingadmin.W001"]


@pytest.mark.django_db
def test_more_threads_than_the_server_has_connections_are_warned_about(settings):
    assert the_server_has_connections_enough(None) == []
    settings.WEB_THREADS = 1000

    (warning,) = the_server_has_connections_enough(None)

    assert warning.id == "billingadmin.W002"
    assert warning.msg.endswith("which allows 80.")


def test_it_is_told_who_holds_the_logins_that_write(monkeypatch):
    assert only_the_worker_writes(None) == []

    monkeypatch.setenv("IMAGEGEN_WRITER_DATABASE_URL", "postgresql://writer@db/imagegen")
    (warning,) = only_the_worker_writes(None)

    assert (warning.id, "IMAGEGEN_WRITER_DATABASE_URL" in warning.msg) == ("billingadmin.W004", True)
