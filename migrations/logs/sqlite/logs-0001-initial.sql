-- The logs database, first version.

-- What the application logged.
CREATE TABLE application_logs (
    id          INTEGER NOT NULL,
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
    extra_data  JSON,
    CONSTRAINT pk_application_logs PRIMARY KEY (id)
);
