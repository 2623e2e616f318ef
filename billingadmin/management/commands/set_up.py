"""``manage.py set_up``: what a start needs before it can serve. Quick when there is nothing to do."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connections
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from audit import anchors
from billingadmin import privileges
from billingadmin.postgres import embedded, roles
from billingadmin.usage import Verb


class Command(Verb):
    help = "Brings tables, rights and static files up to date, and builds the demo where nothing real is connected."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            roles.prepare("site", settings.ENGINES if settings.DEMO else {})
        try:
            self.bring_tables_up_to_date()
        except OperationalError as error:
            raise CommandError(f"The database cannot be reached: {_first_line(error)}", returncode=os.EX_UNAVAILABLE)
        except InconsistentMigrationHistory as error:
            raise CommandError(f"The database is not one of this version: {error}", returncode=os.EX_UNAVAILABLE)
        self.anchor()
        self.build_demo()
        self.collect_static()

    def bring_tables_up_to_date(self) -> None:
        executor = MigrationExecutor(connections["owner"])
        if unknown := unknown_migrations(executor):
            raise CommandError(
                f"The database was made by a newer version: {', '.join(unknown)} not known here.",
                returncode=os.EX_UNAVAILABLE,
            )
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.say("Bringing the tables up to date …")
            call_command("migrate", verbosity=0, interactive=False)
        else:
            privileges.apply()

    def anchor(self) -> None:
        """Before anybody can do anything: a log that is anchored as empty cannot be emptied unseen."""
        try:
            anchors.write(timezone.now())
        except (anchors.Contradiction, OSError) as error:
            self.stderr.write(f"The audit log is not anchored: {error}")

    def build_demo(self) -> None:
        """In a process of its own, the only one here that may write to a source."""
        if settings.DEMO and not embedded.sign_ins():  # which are written when all is built
            self.say("Building the demo …")
            environment = os.environ | {"BILLINGADMIN_WRITERS": "1"}
            done = subprocess.run([sys.executable, "manage.py", "build_demo"], cwd=settings.BASE_DIR, env=environment)
            if done.returncode:
                raise CommandError("The demo could not be built.", returncode=abs(done.returncode))

    def collect_static(self) -> None:
        root = Path(settings.STATIC_ROOT)
        stamp = root.with_name("static.stamp")
        if root.exists() and stamp.exists() and stamp.read_text() == _static_state():
            return
        self.say("Collecting the static files …")
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(_static_state())

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def unknown_migrations(executor: MigrationExecutor) -> list[str]:
    """Applied migrations that this version does not have, of the apps it has."""
    labels = {config.label for config in apps.get_app_configs()}
    applied, known = set(executor.loader.applied_migrations), set(executor.loader.disk_migrations)
    replaced = {key for migration in executor.loader.disk_migrations.values() for key in migration.replaces}
    return sorted(f"{app}.{name}" for app, name in applied - known - replaced if app in labels)


def _static_state() -> str:
    """Changes whenever a static file does."""
    seen = sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = os.stat(storage.path(path))
            seen.update(f"{path}:{found.st_size}:{found.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
