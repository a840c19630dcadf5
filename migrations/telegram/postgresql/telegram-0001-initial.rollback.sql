-- Takes the whole telegram database away, the table that refers to the other first.

DROP TABLE telegram_messages;
DROP TABLE telegram_chats;
