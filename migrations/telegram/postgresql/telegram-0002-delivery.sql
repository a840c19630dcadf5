-- Delivery: claims with a lease, attempts, and messages that are given up.

ALTER TABLE telegram_messages ADD COLUMN created_at TIMESTAMPTZ NOT NULL DEFAULT now();
ALTER TABLE telegram_messages ALTER COLUMN created_at DROP DEFAULT;
ALTER TABLE telegram_messages ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE telegram_messages ADD COLUMN max_attempts BIGINT NOT NULL DEFAULT 5;
ALTER TABLE telegram_messages ADD COLUMN last_error TEXT COLLATE "C"
    CONSTRAINT ck_telegram_messages_last_error_length CHECK (length(last_error) <= 500);
ALTER TABLE telegram_messages ADD COLUMN claim TEXT COLLATE "C"
    CONSTRAINT ck_telegram_messages_claim_length CHECK (length(claim) <= 32);
ALTER TABLE telegram_messages ADD COLUMN held_until TIMESTAMPTZ;
ALTER TABLE telegram_messages ADD COLUMN parked_at TIMESTAMPTZ;

-- The queue: only what waits is in it, each chat's oldest message first.
CREATE INDEX ix_telegram_messages_waiting ON telegram_messages (chat_id, id)
    WHERE NOT delivered AND parked_at IS NULL;

-- What a purge looks through.
CREATE INDEX ix_telegram_messages_sent_at ON telegram_messages (sent_at)
    WHERE sent_at IS NOT NULL;
CREATE INDEX ix_telegram_messages_parked_at ON telegram_messages (parked_at)
    WHERE parked_at IS NOT NULL;
