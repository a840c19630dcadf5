-- Epochs: how often what processes keep in memory was changed.

-- One row for users and API keys, one for broker tokens, one for the symbols of each broker.
CREATE TABLE cache_epochs (
    topic TEXT NOT NULL
        CONSTRAINT ck_cache_epochs_topic_length CHECK (length(topic) <= 80),
    epoch BIGINT NOT NULL,
    CONSTRAINT pk_cache_epochs PRIMARY KEY (topic)
);
