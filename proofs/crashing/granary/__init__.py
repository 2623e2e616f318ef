"""A made-up room whose ledger is in PostgreSQL."""
