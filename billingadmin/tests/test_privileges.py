import pytest
from django.db import ProgrammingError, connection, transaction

from billingadmin import privileges

FORBIDDEN = [
    "truncate django_session",
    "drop table django_session",
    "alter table django_session add column extra text",
    "alter table django_session disable trigger all",
    "create table intruder (id int)",
    "set session_replication_role = replica",
    "set role billingadmin_owner",
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
def test_granting_again_changes_nothing():
    privileges.apply()
    privileges.apply()
