-- A last price goes by the moment at which it was told, or forgotten: of the prices that are there
-- it is not known, and any that is told from now on is newer.

ALTER TABLE positions ADD COLUMN priced_at DATETIME;
ALTER TABLE position_days ADD COLUMN priced_at DATETIME;
