-- Latency: rows are found by time; a batch that was committed is not written again.

CREATE INDEX ix_latency_metrics_start_time ON latency_metrics (start_time);

-- The last batch of each process.
CREATE TABLE latency_writers (
    writer     TEXT NOT NULL
        CONSTRAINT ck_latency_writers_writer_length CHECK (length(writer) <= 32),
    sequence   BIGINT NOT NULL,
    written_at DATETIME NOT NULL,
    CONSTRAINT pk_latency_writers PRIMARY KEY (writer)
);
CREATE INDEX ix_latency_writers_written_at ON latency_writers (written_at);
