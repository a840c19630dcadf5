-- API keys: only digests are stored.

-- name: add_api_key
-- The new id comes back; a user who does not exist breaks fk_api_keys_user_id.
INSERT INTO api_keys (user_id, api_key, name, created_at, is_active, hint)
VALUES (:user_id, :api_key, :name, :created_at, :is_active, :hint)
RETURNING id;

-- name: get_owner
-- One probe of uq_api_keys_api_key, and one of pk_users.
SELECT k.api_key, k.id AS key_id, u.id, u.username, u.email, u.created_at, u.is_active
FROM api_keys AS k
JOIN users AS u ON u.id = k.user_id
WHERE k.api_key = :api_key AND k.is_active AND u.is_active;

-- name: get_newest_owners
-- At start, for the cache: every active key is read once, the most recently used come first.
SELECT k.api_key, k.id AS key_id, u.id, u.username, u.email, u.created_at, u.is_active
FROM api_keys AS k
JOIN users AS u ON u.id = k.user_id
WHERE k.is_active AND u.is_active
ORDER BY coalesce(k.last_used, k.created_at) DESC
LIMIT :row_limit;

-- name: list_api_keys
-- ix_api_keys_user_id: a user has a few, which are sorted.
SELECT id, user_id, name, hint, created_at, last_used, is_active
FROM api_keys
WHERE user_id = :user_id
ORDER BY id;

-- name: revoke_api_key
-- By pk_api_keys; the digest comes back for the caches.
UPDATE api_keys SET is_active = :is_active WHERE id = :id RETURNING api_key;

-- name: set_last_used
-- By pk_api_keys; another process may have written a later use.
UPDATE api_keys SET last_used = :last_used
WHERE id = :id AND (last_used IS NULL OR last_used < :last_used);
