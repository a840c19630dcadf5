-- Epochs: how often what processes keep in memory was changed, by topic.

-- name: get_epochs
-- The whole table: a row for each broker and two more.
SELECT topic, epoch FROM cache_epochs;

-- name: add_epoch
-- By pk_cache_epochs; the row is held until the end of the transaction, which comes next.
INSERT INTO cache_epochs AS c (topic, epoch)
VALUES (:topic, 1)
ON CONFLICT (topic) DO UPDATE SET epoch = c.epoch + 1
RETURNING epoch;
