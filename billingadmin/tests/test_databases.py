import pytest
from django.core.exceptions import ImproperlyConfigured

from billingadmin.databases import POSTGRESQL, SQLITE, Router, configured, from_url
from systems.tests.paperclips.models import Order

SITE = "postgresql://site:p%40ss%2Fword@db.example:5433/console?sslmode=require"


def test_a_url_gives_every_part_and_its_options():
    parsed = from_url("DATABASE_URL", SITE, kept_open=60)

    assert parsed == {
        "ENGINE": POSTGRESQL,
        "NAME": "console",
        "USER": "site",
        "PASSWORD": "p@ss/word",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"connect_timeout": "3", "sslmode": "require"},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def test_a_url_may_wait_longer_than_we_would():
    assert from_url("DATABASE_URL", "postgresql://h/n?connect_timeout=9")["OPTIONS"] == {"connect_timeout": "9"}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////srv/d1.sqlite3", "/srv/d1.sqlite3"),
        ("sqlite:////srv/a%20b.sqlite3", "/srv/a b.sqlite3"),
    ],
)
def test_a_file_is_named_by_its_absolute_path(url, path):
    parsed = from_url("TAROT_DATABASE_URL", url)

    assert (parsed["ENGINE"], parsed["NAME"]) == (SQLITE, path)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://u:secret@h/n", "X_DATABASE_URL must begin with postgresql:// or sqlite:////"),
        ("sqlite:///relative.sqlite3", "X_DATABASE_URL must name an absolute path"),
        ("sqlite:////", "X_DATABASE_URL must name an absolute path"),
        ("postgresql://u:secret@h:5432/", "X_DATABASE_URL names no database"),
        ("postgresql://u:secret@h/n?no_such_option=1", "X_DATABASE_URL cannot be read"),
        ("postgresql://u:se%ZZcret@h/n", "X_DATABASE_URL cannot be read"),
    ],
)
def test_a_wrong_url_is_told_by_the_name_of_its_variable_and_without_its_password(url, why):
    with pytest.raises(ImproperlyConfigured) as told:
        from_url("X_DATABASE_URL", url)

    assert why in str(told.value)
    assert "secret" not in str(told.value)


def test_without_an_owner_the_site_migrates():
    databases = configured({"DATABASE_URL": SITE}, [])

    assert databases["owner"]["USER"] == databases["default"]["USER"] == "site"


def test_a_system_is_there_only_by_its_url_and_is_written_only_by_another():
    databases = configured({"DATABASE_URL": SITE, "A_DATABASE_URL": "postgresql://r@h/a"}, ["a", "b"])

    assert set(databases) == {"default", "owner", "a"}
    assert databases["a"]["CONN_MAX_AGE"] == 0


def test_a_room_is_read_from_its_source_written_by_its_writer_and_never_migrated():
    router = Router()

    assert router.db_for_read(Order) == "paperclips"
    assert router.db_for_write(Order) == "paperclips_writer"
    assert not any(router.allow_migrate(alias, "paperclips") for alias in ("owner", "paperclips", "paperclips_writer"))


def test_the_console_is_migrated_in_its_own_database_alone():
    router = Router()

    assert router.allow_migrate("owner", "sessions")
    assert not router.allow_migrate("paperclips_writer", "sessions")


def test_who_writes_to_a_sqlite_file_asks_for_it_from_the_start():
    urls = {f"D1_{end}DATABASE_URL": "sqlite:////srv/d1.sqlite3" for end in ("", "WRITER_")}

    databases = configured({"DATABASE_URL": "postgresql:///console", **urls}, ["d1"])

    assert databases["d1_writer"]["OPTIONS"] == {"transaction_mode": "IMMEDIATE"}
    assert "OPTIONS" not in databases["d1"]
