-- Takes the whole latency database away.

DROP TABLE latency_metrics;
