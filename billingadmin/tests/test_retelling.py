"""Sentences that the worker kept, for a reader of another language."""

import re

import pytest
from django.utils import translation

from billingadmin.retelling import retold
from billingadmin.tests.catalogue import read

PLACE = re.compile(r"%(\(\w+\))?\+?[sd]")


@pytest.fixture
def japanese():
    with translation.override("ja"):
        yield


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("There is no job.", "ジョブがありません。"),
        ("The newest is 9 minutes old.", "最新は9分前です。"),
        ("1 anomaly opened again.", "1件の異常を未対応に戻しました。"),
        ("4 anomalies opened again.", "4件の異常を未対応に戻しました。"),
        ("267 jobs today (UTC day); usual by this hour: 236.", "今日（UTC）はジョブ267件。この時刻の通常値は236。"),
        ("5 % of the jobs that ended have failed (1 of 20).", "終了したジョブの5%が失敗（20件中1件）。"),
        ("1,706 credits in open and snoozed anomalies.", "未対応・保留中の異常の影響額は1,706 クレジットです。"),
        ("14 readings: 7 ok, 1 unknown.", "計測値14件: 正常7件, 不明1件。"),
    ],
)
def test_a_kept_sentence_is_told_in_the_readers_language(japanese, kept, told):
    assert retold(kept) == told


def test_sentences_that_follow_each_other_are_told_one_by_one(japanese):
    kept = "The hourly monitor ran 7 minutes ago. It wrote 2 entries without an anomaly."

    assert retold(kept) == "毎時の監視は7分前に実行されました。異常がないのに2件の監査ログが記録されています。"


def test_what_is_no_message_of_ours_stands_as_it_is(japanese):
    assert retold("OperationalError: connection refused") == "OperationalError: connection refused"
    assert retold("There is no job. It is cold.") == "ジョブがありません。It is cold."
    assert retold("") == ""


def test_in_the_language_of_the_messages_nothing_is_looked_for():
    assert retold("There is no job.") == "There is no job."


def test_every_message_is_found_again_whatever_its_values(japanese):
    def filled(text):
        values = {"s": "A-7", "d": "+7" if "+d" in text else "7"}
        return PLACE.sub(lambda place: values[place[0][-1]], text).replace("%%", "%")

    kept = [message for message in read() if PLACE.search(message.text) and "msgctxt" not in message.words]
    off = {message.text for message in kept if retold(filled(message.text)) != filled(message.translation)}
    assert off == set()
