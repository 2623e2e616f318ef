"""Statements are found by name, each once, with the sentence that explains them."""

import pytest

from billingadmin.sql import UnknownStatement, statement, statements


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "questions.sql"
    path.write_text("-- first --\n-- Says one.\nselect 1;\n\n-- second --\n-- Says two.\nselect %(two)s\n")
    return path


def test_a_statement_is_found_by_its_name(file):
    assert statement(file, "second") == "-- Says two.\nselect %(two)s"


def test_a_trailing_semicolon_is_dropped(file):
    assert statement(file, "first").endswith("select 1")


def test_an_unknown_name_is_refused_by_name(file):
    with pytest.raises(UnknownStatement, match=r"questions\.sql has no statement named third"):
        statement(file, "third")


def test_a_name_given_twice_is_refused(tmp_path):
    path = tmp_path / "twice.sql"
    path.write_text("-- one --\n-- x\nselect 1\n-- one --\n-- y\nselect 2\n")

    with pytest.raises(ValueError, match="names one more than once"):
        statements(path)
