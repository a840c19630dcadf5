-- Users: who may log in. The password's hash is read for a login only and is in no record.
-- Columns of a record stand in the order of the table.

-- name: add_user
-- The whole record comes back; a name that is taken breaks uq_users_username_key or _email_key.
INSERT INTO users (
    username, username_key, email, email_key, password_hash, created_at, is_active
) VALUES (
    :username, :username_key, :email, :email_key, :password_hash, :created_at, :is_active
)
RETURNING id, username, email, created_at, is_active;

-- name: get_login
-- One probe of uq_users_username_key.
SELECT id, username, email, created_at, is_active, password_hash
FROM users
WHERE username_key = :username_key;

-- name: replace_password_hash
-- By pk_users, and only while the hash is still the one that was checked.
UPDATE users SET password_hash = :password_hash
WHERE id = :user_id AND password_hash = :outdated_hash;

-- name: get_user
-- By pk_users.
SELECT id, username, email, created_at, is_active FROM users WHERE id = :user_id;

-- name: get_user_by_username
-- One probe of uq_users_username_key.
SELECT id, username, email, created_at, is_active FROM users WHERE username_key = :username_key;

-- name: get_user_by_email
-- One probe of uq_users_email_key.
SELECT id, username, email, created_at, is_active FROM users WHERE email_key = :email_key;

-- name: lock_active_user @sqlite
-- By pk_users; BEGIN IMMEDIATE has locked the file already.
SELECT id FROM users WHERE id = :user_id AND is_active;

-- name: lock_active_user @postgresql
-- By pk_users; FOR SHARE: whoever deactivates the user waits, and then ends what is made now.
SELECT id FROM users WHERE id = :user_id AND is_active FOR SHARE;

-- name: list_users
-- A range of pk_users, in its order.
SELECT id, username, email, created_at, is_active
FROM users
WHERE id > :after
ORDER BY id
LIMIT :row_limit;

-- name: set_user_active
-- By pk_users.
UPDATE users SET is_active = :is_active WHERE id = :user_id;

-- name: end_api_keys
-- ix_api_keys_user_id: a user has a few.
UPDATE api_keys SET is_active = :is_active WHERE user_id = :user_id;

-- name: end_auth_tokens
-- The first column of uq_auth_tokens_user_id_broker.
DELETE FROM auth_tokens WHERE user_id = :user_id;
