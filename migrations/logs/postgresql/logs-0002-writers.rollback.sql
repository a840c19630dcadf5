DROP TABLE log_writers;
DROP INDEX ix_application_logs_timestamp_id;
