-- Sentinels: one row for each secret, with what only that secret makes.

-- name: get_sentinel
-- By pk_secret_sentinels.
SELECT proof FROM secret_sentinels WHERE name = :name;

-- name: add_sentinel
-- By pk_secret_sentinels; of two processes that come first at once, one writes and the other waits
-- for it.
INSERT INTO secret_sentinels (name, proof, created_at)
VALUES (:name, :proof, :created_at)
ON CONFLICT (name) DO NOTHING;

-- name: renew_sentinel
-- By pk_secret_sentinels.
UPDATE secret_sentinels SET proof = :proof WHERE name = :name;
