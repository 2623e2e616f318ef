"""A second made-up room, with a SQLite ledger: a kiosk that hands out drinks and keeps a till."""
