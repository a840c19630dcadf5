-- Telegram: the chats, and for each of them a queue that keeps its order.
-- A message waits until it is delivered or parked; the oldest that waits stands for its chat, and
-- whoever holds it holds the chat. Columns of a record stand in the order of the table.

-- name: save_chat
-- The conflict is found by uq_telegram_chats_chat_id. What is not given stays as it was; a chat
-- that goes over to another user, or from nobody to one, has to be authorised anew.
INSERT INTO telegram_chats (
    chat_id, user_id, username, is_authorized, notification_enabled, created_at
) VALUES (
    :chat_id, :user_id, :username, FALSE, TRUE, :created_at
)
ON CONFLICT (chat_id) DO UPDATE SET
    is_authorized = telegram_chats.is_authorized
        AND (excluded.user_id IS NULL
             OR coalesce(excluded.user_id = telegram_chats.user_id, FALSE)),
    user_id = coalesce(excluded.user_id, telegram_chats.user_id),
    username = coalesce(excluded.username, telegram_chats.username)
RETURNING id, chat_id, user_id, username, is_authorized, notification_enabled, created_at;

-- name: get_chat
-- One probe of uq_telegram_chats_chat_id.
SELECT id, chat_id, user_id, username, is_authorized, notification_enabled, created_at
FROM telegram_chats
WHERE chat_id = :chat_id;

-- name: authorize_chat
-- By uq_telegram_chats_chat_id.
UPDATE telegram_chats
SET is_authorized = :is_authorized, user_id = coalesce(:user_id, user_id)
WHERE chat_id = :chat_id;

-- name: set_notifications
-- By uq_telegram_chats_chat_id.
UPDATE telegram_chats SET notification_enabled = :enabled WHERE chat_id = :chat_id;

-- name: lock_chat @sqlite
-- By uq_telegram_chats_chat_id; BEGIN IMMEDIATE has locked the file already.
SELECT is_authorized AND notification_enabled AS wants_messages
FROM telegram_chats
WHERE chat_id = :chat_id;

-- name: lock_chat @postgresql
-- By uq_telegram_chats_chat_id. Two messages of a chat are queued one after the other, so that
-- their ids come in the order of their commits: an older one never turns up behind a claim.
SELECT is_authorized AND notification_enabled AS wants_messages
FROM telegram_chats
WHERE chat_id = :chat_id
FOR NO KEY UPDATE;

-- name: queue_message
-- The whole record comes back, its defaults too.
INSERT INTO telegram_messages (chat_id, message_type, content, created_at, max_attempts)
VALUES (:chat_id, :message_type, :content, :created_at, :max_attempts)
RETURNING id, chat_id, message_type, content, sent_at, delivered, created_at, attempts,
          max_attempts, last_error, claim, held_until, parked_at;

-- name: find_waiting
-- The first entry of ix_telegram_messages_waiting: an empty queue costs no more than this. With
-- LIMIT 1 instead PostgreSQL would look for any such row, and read the whole table if none is left.
SELECT min(chat_id) AS chat_id FROM telegram_messages WHERE NOT delivered AND parked_at IS NULL;

-- name: lock_free @sqlite
-- ix_telegram_messages_waiting, from chat to chat and the first of each, however many wait behind
-- it; what is found is sorted. BEGIN IMMEDIATE has locked the file already.
WITH RECURSIVE waiting (chat_id) AS (
    SELECT min(chat_id) FROM telegram_messages WHERE NOT delivered AND parked_at IS NULL
    UNION ALL
    SELECT (
        SELECT min(chat_id) FROM telegram_messages
        WHERE chat_id > w.chat_id AND NOT delivered AND parked_at IS NULL
    )
    FROM waiting AS w
    WHERE w.chat_id IS NOT NULL
)
SELECT m.id, m.chat_id, m.message_type, m.content, m.sent_at, m.delivered, m.created_at, m.attempts,
       m.max_attempts, m.last_error, m.claim, m.held_until, m.parked_at
FROM waiting AS w
JOIN telegram_chats AS c ON c.chat_id = w.chat_id
JOIN telegram_messages AS m ON m.id = (
    SELECT min(id) FROM telegram_messages
    WHERE chat_id = w.chat_id AND NOT delivered AND parked_at IS NULL
)
WHERE c.is_authorized AND c.notification_enabled
  AND (m.held_until IS NULL OR m.held_until <= :now)
ORDER BY m.id
LIMIT :row_limit;

-- name: lock_free @postgresql
-- ix_telegram_messages_waiting as on SQLite, what is found is sorted; passes over what others hold.
-- A row that changed since the snapshot is judged as it is now: so the state of the message stands
-- in this WHERE too.
WITH RECURSIVE waiting (chat_id) AS (
    SELECT min(chat_id) FROM telegram_messages WHERE NOT delivered AND parked_at IS NULL
    UNION ALL
    SELECT (
        SELECT min(chat_id) FROM telegram_messages
        WHERE chat_id > w.chat_id AND NOT delivered AND parked_at IS NULL
    )
    FROM waiting AS w
    WHERE w.chat_id IS NOT NULL
)
SELECT m.id, m.chat_id, m.message_type, m.content, m.sent_at, m.delivered, m.created_at, m.attempts,
       m.max_attempts, m.last_error, m.claim, m.held_until, m.parked_at
FROM waiting AS w
JOIN telegram_chats AS c ON c.chat_id = w.chat_id
JOIN telegram_messages AS m ON m.id = (
    SELECT min(id) FROM telegram_messages
    WHERE chat_id = w.chat_id AND NOT delivered AND parked_at IS NULL
)
WHERE c.is_authorized AND c.notification_enabled
  AND NOT m.delivered AND m.parked_at IS NULL
  AND (m.held_until IS NULL OR m.held_until <= :now)
ORDER BY m.id
LIMIT :row_limit
FOR NO KEY UPDATE OF m SKIP LOCKED;

-- name: claim_message
-- By pk_telegram_messages; the row is locked.
UPDATE telegram_messages
SET claim = :claim, held_until = :held_until, attempts = attempts + 1
WHERE id = :id;

-- name: park_message
-- By pk_telegram_messages; the row is locked.
UPDATE telegram_messages
SET parked_at = :parked_at, last_error = :last_error, claim = NULL, held_until = NULL
WHERE id = :id;

-- name: mark_delivered
-- By pk_telegram_messages, for the last claim alone: a lease that ran out counts until the next
-- one.
UPDATE telegram_messages
SET delivered = TRUE, sent_at = :now, claim = NULL, held_until = NULL
WHERE id = :message_id AND claim = :claim;

-- name: fail_message
-- By pk_telegram_messages, as mark_delivered. The last of the attempts parks the message.
UPDATE telegram_messages
SET last_error = :error, claim = NULL,
    held_until = CASE WHEN attempts < max_attempts THEN :retry_at END,
    parked_at = CASE WHEN attempts >= max_attempts THEN :now END
WHERE id = :message_id AND claim = :claim
RETURNING id, chat_id, message_type, content, sent_at, delivered, created_at, attempts,
          max_attempts, last_error, claim, held_until, parked_at;

-- name: get_message
-- By pk_telegram_messages.
SELECT id, chat_id, message_type, content, sent_at, delivered, created_at, attempts,
       max_attempts, last_error, claim, held_until, parked_at
FROM telegram_messages
WHERE id = :message_id;
