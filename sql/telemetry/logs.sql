-- Logs: entries come by COPY and are read by expressions, see repositories/logs.py.

-- name: mark_log_batch
-- One probe of the primary key; no row is affected if this batch, or a later one, is committed.
INSERT INTO log_writers (writer, sequence, written_at)
VALUES (:writer, :sequence, :written_at)
ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, written_at = excluded.written_at
WHERE log_writers.sequence < excluded.sequence;

-- name: forget_log_writers
-- ix_log_writers_written_at: processes that ended long ago.
DELETE FROM log_writers WHERE written_at < :before;
