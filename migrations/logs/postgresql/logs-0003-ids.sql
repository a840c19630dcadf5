-- Ids are used once on PostgreSQL anyway: nothing to do, see the same migration of SQLite.
SELECT 1;
