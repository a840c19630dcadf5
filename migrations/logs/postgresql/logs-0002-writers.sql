-- Logs: entries are read and purged by time; a batch that was committed is not written again.

CREATE INDEX ix_application_logs_timestamp_id ON application_logs (timestamp, id);

-- The last batch of each process.
CREATE TABLE log_writers (
    writer     TEXT COLLATE "C" NOT NULL
        CONSTRAINT ck_log_writers_writer_length CHECK (length(writer) <= 32),
    sequence   BIGINT NOT NULL,
    written_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_log_writers PRIMARY KEY (writer)
);
CREATE INDEX ix_log_writers_written_at ON log_writers (written_at);
