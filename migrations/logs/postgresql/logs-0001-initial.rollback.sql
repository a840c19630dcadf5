-- Takes the whole logs database away.

DROP TABLE application_logs;
