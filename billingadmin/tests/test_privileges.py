import pytest
from django.db import ProgrammingError, connection, connections, transaction

from billingadmin import privileges

FORBIDDEN = [
    "truncate django_session",
    "drop table django_session",
    "alter table django_session add column extra text",
    "alter table django_session disable trigger all",
    "create table intruder (id int)",
    "set session_replication_role = replica",
    "set role billingadmin_owner",
    "delete from django_migrations",
]


@pytest.mark.django_db
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_site_cannot(statement):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_the_site_reads_and_writes_ordinary_tables():
    with connection.cursor() as cursor:
        cursor.execute("insert into django_session values ('a', 'b', now())")
        cursor.execute("update django_session set session_data = 'c'")
        cursor.execute("delete from django_session")

        assert cursor.rowcount == 1


@pytest.mark.django_db
def test_a_right_that_is_no_longer_declared_goes_away_and_the_rest_stays():
    with connections["owner"].cursor() as cursor:
        cursor.execute("grant truncate on django_session to billingadmin_site")
        cursor.execute("revoke select on django_session from billingadmin_site")

    privileges.apply()

    with connections["owner"].cursor() as cursor:
        cursor.execute("select privilege_type from information_schema.role_table_grants"
                       " where table_name = 'django_session' and grantee = 'billingadmin_site'")  # fmt: skip
        assert {right for (right,) in cursor.fetchall()} == {"SELECT", "INSERT", "UPDATE", "DELETE"}


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "allowed"), list(privileges.declared()), ids=str)
def test_a_table_that_must_last_allows_what_it_declares(model, allowed):
    whole = {right for right in allowed if "(" not in right}

    with connection.cursor() as cursor:
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
            cursor.execute("select has_table_privilege(%s, %s)", [model._meta.db_table, right])
            assert cursor.fetchone()[0] is (right in whole), right
