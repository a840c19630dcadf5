-- Latency: how long brokers take. Rows come by COPY, see repositories/latency.py.

-- name: get_latency_stats @sqlite
-- A range of ix_latency_metrics_start_time, sorted once. It has no percentile_cont: the value at
-- place p * (n - 1) of n, places from 0, lies between the two rows around it. strftime rounds to
-- milliseconds, so that it is given whole seconds. Its % has the sign of the left: the second one
-- brings seconds before 1970 down to the start of their bucket too.
WITH calls AS (
    SELECT
        broker,
        operation,
        second - ((second + :ist_offset) % :bucket_seconds + :bucket_seconds) % :bucket_seconds AS bucket,
        success,
        latency_ms
    FROM (
        SELECT *, CAST(strftime('%s', substr(start_time, 1, 19)) AS INTEGER) AS second
        FROM latency_metrics
    )
    WHERE start_time >= :since AND start_time < :until
        AND (:broker IS NULL OR broker = :broker)
        AND (:operation IS NULL OR operation = :operation)
),
placed AS (
    SELECT
        broker,
        operation,
        bucket,
        success,
        latency_ms,
        row_number() OVER (PARTITION BY broker, operation, bucket ORDER BY latency_ms) - 1 AS place,
        count(*) OVER (PARTITION BY broker, operation, bucket) - 1 AS highest
    FROM calls
),
around AS (
    SELECT
        *,
        lead(latency_ms, 1, latency_ms) OVER (
            PARTITION BY broker, operation, bucket ORDER BY place
        ) - latency_ms AS step
    FROM placed
)
SELECT
    broker,
    operation,
    strftime('%Y-%m-%d %H:%M:%S.000000', bucket, 'unixepoch') AS bucket,
    count(*) AS count,
    count(*) FILTER (WHERE success) * 1.0 / count(*) AS success_rate,
    avg(latency_ms) AS mean,
    max(latency_ms + step * (50 * highest % 100) / 100.0) FILTER (WHERE place = 50 * highest / 100) AS p50,
    max(latency_ms + step * (95 * highest % 100) / 100.0) FILTER (WHERE place = 95 * highest / 100) AS p95,
    max(latency_ms + step * (99 * highest % 100) / 100.0) FILTER (WHERE place = 99 * highest / 100) AS p99,
    max(latency_ms) AS max
FROM around
GROUP BY broker, operation, bucket
ORDER BY bucket, broker, operation;

-- name: get_latency_stats @postgresql
-- A range of ix_latency_metrics_start_time, sorted once for each group; percentiles of its own.
WITH calls AS (
    SELECT
        broker,
        operation,
        to_timestamp(
            floor((extract(EPOCH FROM start_time) + :ist_offset) / nullif(:bucket_seconds, 0))
            * :bucket_seconds - :ist_offset
        ) AS bucket,
        success,
        latency_ms
    FROM latency_metrics
    WHERE start_time >= :since AND start_time < :until
        AND (:broker IS NULL OR broker = :broker)
        AND (:operation IS NULL OR operation = :operation)
)
SELECT
    broker,
    operation,
    bucket,
    count(*) AS count,
    count(*) FILTER (WHERE success) * 1.0::DOUBLE PRECISION / count(*) AS success_rate,
    avg(latency_ms) AS mean,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY latency_ms) AS p99,
    max(latency_ms) AS max
FROM calls
GROUP BY broker, operation, bucket
ORDER BY bucket, broker NULLS FIRST, operation;
