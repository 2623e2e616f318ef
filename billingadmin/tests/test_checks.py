import pytest

from billingadmin.checks import the_server_has_connections_enough, the_site_is_not_the_owner


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
