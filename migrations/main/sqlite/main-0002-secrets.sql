-- Secrets: how keys are told apart, which key sealed a token, and proof that secrets are the right ones.

-- The last characters of an API key, which open nothing.
ALTER TABLE api_keys ADD COLUMN hint TEXT
    CONSTRAINT ck_api_keys_hint_length CHECK (length(hint) <= 20);

-- Which of TOKEN_ENCRYPTION_KEYS sealed the tokens of the row.
ALTER TABLE auth_tokens ADD COLUMN key_id TEXT
    CONSTRAINT ck_auth_tokens_key_id_length CHECK (length(key_id) <= 16);

-- What only the right secret makes: compared at start.
CREATE TABLE secret_sentinels (
    name       TEXT NOT NULL
        CONSTRAINT ck_secret_sentinels_name_length CHECK (length(name) <= 50),
    proof      TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_secret_sentinels PRIMARY KEY (name)
);
