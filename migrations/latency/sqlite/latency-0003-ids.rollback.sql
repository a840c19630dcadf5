-- Ids may come again: the table is made anew without AUTOINCREMENT.

CREATE TABLE new_latency_metrics (
    id            INTEGER NOT NULL,
    order_id      TEXT
        CONSTRAINT ck_latency_metrics_order_id_length CHECK (length(order_id) <= 50),
    broker        TEXT
        CONSTRAINT ck_latency_metrics_broker_length CHECK (length(broker) <= 50),
    operation     TEXT NOT NULL
        CONSTRAINT ck_latency_metrics_operation_length CHECK (length(operation) <= 50),
    start_time    DATETIME NOT NULL,
    end_time      DATETIME NOT NULL,
    latency_ms    DOUBLE NOT NULL,
    success       BOOLEAN NOT NULL
        CONSTRAINT ck_latency_metrics_success_boolean CHECK (success IN (0, 1)),
    error_message TEXT,
    CONSTRAINT pk_latency_metrics PRIMARY KEY (id)
);
INSERT INTO new_latency_metrics (
    id, order_id, broker, operation, start_time, end_time, latency_ms, success, error_message
)
SELECT
    id, order_id, broker, operation, start_time, end_time, latency_ms, success, error_message
FROM latency_metrics;
DROP TABLE latency_metrics;
ALTER TABLE new_latency_metrics RENAME TO latency_metrics;
CREATE INDEX ix_latency_metrics_start_time ON latency_metrics (start_time);
