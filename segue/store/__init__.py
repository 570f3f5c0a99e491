"""Tables, transactions, set-based writes and migrations, for SQLite and PostgreSQL alike."""
