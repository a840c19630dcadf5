DROP TABLE latency_writers;
DROP INDEX ix_latency_metrics_start_time;
