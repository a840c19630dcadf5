ALTER TABLE position_days DROP COLUMN priced_at;
ALTER TABLE positions DROP COLUMN priced_at;
