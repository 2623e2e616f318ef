"""The same made-up room with its ledger in SQLite."""

ENGINE = "sqlite"
