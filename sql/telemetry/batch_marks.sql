-- Marks of batches: the last batch that each process has committed. /*kind*/ is latency_ or log_.

-- name: claim_batch_mark
-- One probe of pk_writers; no row is affected if this batch, or a later one, is committed.
INSERT INTO /*kind*/writers (writer, sequence, written_at)
VALUES (:writer, :sequence, :written_at)
ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, written_at = excluded.written_at
WHERE /*kind*/writers.sequence < excluded.sequence;

-- name: forget_batch_marks
-- ix_writers_written_at: processes that ended long ago.
DELETE FROM /*kind*/writers WHERE written_at < :before;
