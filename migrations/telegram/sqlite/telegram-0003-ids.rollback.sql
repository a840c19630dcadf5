-- Ids may come again: the table is made anew without AUTOINCREMENT.

CREATE TABLE new_telegram_messages (
    id           INTEGER NOT NULL,
    chat_id      BIGINT NOT NULL,
    message_type TEXT NOT NULL
        CONSTRAINT ck_telegram_messages_message_type_length CHECK (length(message_type) <= 50),
    content      TEXT NOT NULL,
    sent_at      DATETIME,
    delivered    BOOLEAN NOT NULL DEFAULT 0
        CONSTRAINT ck_telegram_messages_delivered_boolean CHECK (delivered IN (0, 1)),
    created_at   DATETIME NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL DEFAULT 5,
    last_error   TEXT
        CONSTRAINT ck_telegram_messages_last_error_length CHECK (length(last_error) <= 500),
    claim        TEXT
        CONSTRAINT ck_telegram_messages_claim_length CHECK (length(claim) <= 32),
    held_until   DATETIME,
    parked_at    DATETIME,
    CONSTRAINT pk_telegram_messages PRIMARY KEY (id),
    CONSTRAINT fk_telegram_messages_chat_id
        FOREIGN KEY (chat_id) REFERENCES telegram_chats (chat_id)
);
INSERT INTO new_telegram_messages (
    id, chat_id, message_type, content, sent_at, delivered, created_at, attempts, max_attempts,
    last_error, claim, held_until, parked_at
)
SELECT
    id, chat_id, message_type, content, sent_at, delivered, created_at, attempts, max_attempts,
    last_error, claim, held_until, parked_at
FROM telegram_messages;
DROP TABLE telegram_messages;
ALTER TABLE new_telegram_messages RENAME TO telegram_messages;
CREATE INDEX ix_telegram_messages_chat_id ON telegram_messages (chat_id);
CREATE INDEX ix_telegram_messages_waiting ON telegram_messages (chat_id, id)
    WHERE NOT delivered AND parked_at IS NULL;
CREATE INDEX ix_telegram_messages_sent_at ON telegram_messages (sent_at)
    WHERE sent_at IS NOT NULL;
CREATE INDEX ix_telegram_messages_parked_at ON telegram_messages (parked_at)
    WHERE parked_at IS NOT NULL;
