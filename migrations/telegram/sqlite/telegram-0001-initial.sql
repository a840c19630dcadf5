-- The telegram database, first version.

-- The chats the bot knows. user_id is an id of the main database.
CREATE TABLE telegram_chats (
    id                   INTEGER NOT NULL,
    chat_id              BIGINT NOT NULL,
    user_id              BIGINT,
    username             TEXT
        CONSTRAINT ck_telegram_chats_username_length CHECK (length(username) <= 100),
    is_authorized        BOOLEAN NOT NULL DEFAULT 0
        CONSTRAINT ck_telegram_chats_is_authorized_boolean CHECK (is_authorized IN (0, 1)),
    notification_enabled BOOLEAN NOT NULL DEFAULT 1
        CONSTRAINT ck_telegram_chats_notification_enabled_boolean
            CHECK (notification_enabled IN (0, 1)),
    created_at           DATETIME NOT NULL,
    CONSTRAINT pk_telegram_chats PRIMARY KEY (id),
    CONSTRAINT uq_telegram_chats_chat_id UNIQUE (chat_id)
);
CREATE INDEX ix_telegram_chats_user_id ON telegram_chats (user_id);

-- The messages for them, delivered or waiting.
CREATE TABLE telegram_messages (
    id           INTEGER NOT NULL,
    chat_id      BIGINT NOT NULL,
    message_type TEXT NOT NULL
        CONSTRAINT ck_telegram_messages_message_type_length CHECK (length(message_type) <= 50),
    content      TEXT NOT NULL,
    sent_at      DATETIME,
    delivered    BOOLEAN NOT NULL DEFAULT 0
        CONSTRAINT ck_telegram_messages_delivered_boolean CHECK (delivered IN (0, 1)),
    CONSTRAINT pk_telegram_messages PRIMARY KEY (id),
    CONSTRAINT fk_telegram_messages_chat_id
        FOREIGN KEY (chat_id) REFERENCES telegram_chats (chat_id)
);
CREATE INDEX ix_telegram_messages_chat_id ON telegram_messages (chat_id);
