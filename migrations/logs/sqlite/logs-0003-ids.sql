-- Ids of log entries are used once: a deleted row's is not given again.

-- AUTOINCREMENT cannot be added to a table: it is made anew, as SQLite's documentation tells.
CREATE TABLE new_application_logs (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    timestamp   DATETIME NOT NULL,
    level       TEXT NOT NULL
        CONSTRAINT ck_application_logs_level_length CHECK (length(level) <= 20),
    logger      TEXT NOT NULL
        CONSTRAINT ck_application_logs_logger_length CHECK (length(logger) <= 100),
    message     TEXT NOT NULL,
    module      TEXT
        CONSTRAINT ck_application_logs_module_length CHECK (length(module) <= 100),
    function    TEXT
        CONSTRAINT ck_application_logs_function_length CHECK (length(function) <= 100),
    line_number BIGINT,
    exception   TEXT,
    extra_data  JSON
);
INSERT INTO new_application_logs (
    id, timestamp, level, logger, message, module, function, line_number, exception, extra_data
)
SELECT
    id, timestamp, level, logger, message, module, function, line_number, exception, extra_data
FROM application_logs;
DROP TABLE application_logs;
ALTER TABLE new_application_logs RENAME TO application_logs;
CREATE INDEX ix_application_logs_timestamp_id ON application_logs (timestamp, id);
