-- Broker tokens: one row for each user and broker, every token sealed.
-- Columns of a record stand in the order of the table.

-- name: save_auth_token
-- The conflict is found by uq_auth_tokens_user_id_broker; the row keeps its id and created_at.
INSERT INTO auth_tokens (
    user_id, broker, access_token, refresh_token, feed_token, token_expiry, auth_data,
    created_at, key_id
) VALUES (
    :user_id, :broker, :access_token, :refresh_token, :feed_token, :token_expiry, :auth_data,
    :created_at, :key_id
)
ON CONFLICT (user_id, broker) DO UPDATE SET
    access_token = excluded.access_token, refresh_token = excluded.refresh_token,
    feed_token = excluded.feed_token, token_expiry = excluded.token_expiry,
    auth_data = excluded.auth_data, updated_at = excluded.created_at, key_id = excluded.key_id
RETURNING id, user_id, broker, access_token, refresh_token, feed_token, token_expiry, auth_data,
          created_at, updated_at, key_id;

-- name: get_auth_token
-- One probe of uq_auth_tokens_user_id_broker, and one of pk_users.
SELECT t.id, t.user_id, t.broker, t.access_token, t.refresh_token, t.feed_token, t.token_expiry,
       t.auth_data, t.created_at, t.updated_at, t.key_id
FROM auth_tokens AS t
JOIN users AS u ON u.id = t.user_id
WHERE t.user_id = :user_id AND t.broker = :broker AND u.is_active;

-- name: list_auth_tokens
-- A range of uq_auth_tokens_user_id_broker in its order, or sorted: a user has a few.
SELECT t.id, t.user_id, t.broker, t.access_token, t.refresh_token, t.feed_token, t.token_expiry,
       t.auth_data, t.created_at, t.updated_at, t.key_id
FROM auth_tokens AS t
JOIN users AS u ON u.id = t.user_id
WHERE t.user_id = :user_id AND u.is_active
ORDER BY t.broker;

-- name: revoke_auth_token
-- By uq_auth_tokens_user_id_broker.
DELETE FROM auth_tokens WHERE user_id = :user_id AND broker = :broker;

-- name: get_tokens_of_older_keys
-- pk_auth_tokens from :after on: a batch goes on where the one before it ended.
SELECT id, user_id, broker, access_token, refresh_token, feed_token, token_expiry, auth_data,
       created_at, updated_at, key_id
FROM auth_tokens
WHERE id > :after AND coalesce(key_id, '') <> :newest
ORDER BY id
LIMIT :batch_size;

-- name: reseal_auth_token
-- By pk_auth_tokens, if nobody has saved the row since it was read: no text is sealed twice alike.
UPDATE auth_tokens
SET access_token = :access_token, refresh_token = :refresh_token, feed_token = :feed_token,
    key_id = :key_id
WHERE id = :id AND access_token = :before;

-- name: reseal_free_auth_token @sqlite
-- By pk_auth_tokens, as reseal_auth_token: here a writing transaction is alone.
UPDATE auth_tokens
SET access_token = :access_token, refresh_token = :refresh_token, feed_token = :feed_token,
    key_id = :key_id
WHERE id = :id AND access_token = :before;

-- name: reseal_free_auth_token @postgresql
-- By pk_auth_tokens. SKIP LOCKED: a batch that waited for a row could be in deadlock with whoever
-- holds it.
UPDATE auth_tokens
SET access_token = :access_token, refresh_token = :refresh_token, feed_token = :feed_token,
    key_id = :key_id
WHERE id = (
    SELECT id FROM auth_tokens WHERE id = :id AND access_token = :before
    FOR NO KEY UPDATE SKIP LOCKED
);
