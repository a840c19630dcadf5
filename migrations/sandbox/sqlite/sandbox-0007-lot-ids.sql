-- An index of SQLite holds the id of each row already: the change is PostgreSQL's alone.

SELECT 1;
