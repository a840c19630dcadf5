ALTER TABLE sandbox_position_days DROP COLUMN priced_at;
ALTER TABLE sandbox_positions DROP COLUMN priced_at;
