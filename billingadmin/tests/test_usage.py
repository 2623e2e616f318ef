"""Commands at a terminal: a reader that has enough is no failure."""

import subprocess
import sys

from billingadmin.tests.imports import ROOT

PRINTS_FOR_EVER = """
from billingadmin.usage import Verb

class Command(Verb):
    requires_system_checks = []
    def handle(self, **options):
        while True:
            self.stdout.write("a line of many")

Command().run_from_argv(["manage.py", "talk"])
"""


def test_a_reader_that_has_enough_ends_a_command_calmly():
    command = [sys.executable, "-c", f"import django; django.setup()\n{PRINTS_FOR_EVER}"]
    talker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    assert talker.stdout.readline() == b"a line of many\n"
    talker.stdout.close()

    assert (talker.stderr.read(), talker.wait(timeout=30)) == (b"", 0)
    talker.stderr.close()


REFUSES = """
from billingadmin.usage import Verb, WrongUsage

class Command(Verb):
    requires_system_checks = []
    def handle(self, **options):
        raise WrongUsage("“x” is no system.")

Command().run_from_argv(["manage.py", "talk"])
"""


def test_a_refusal_is_one_sentence_and_the_exit_code_of_wrong_usage():
    command = [sys.executable, "-c", f"import django; django.setup()\n{REFUSES}"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert (done.stderr, done.returncode) == ("“x” is no system.\n", 2)
