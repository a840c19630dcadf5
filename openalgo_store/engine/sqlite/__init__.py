"""SQLite: connections, locks and errors, each in a file of its own."""
