-- The daily load of a master: what is compared, what is written, and the record of each load.

-- name: get_stored_symbols
-- What a load compares with, in the order of its rows: the planner reads the whole table.
SELECT id, symbol, exchange, broker_symbol, token, strike, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, option_type, contract_value
FROM symbols
WHERE broker = :broker;

-- name: get_stored_symbols @sqlite
-- The + keeps SQLite from the unique index, which would jump about in the table for every row.
SELECT id, symbol, exchange, broker_symbol, token, strike, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, option_type, contract_value
FROM symbols
WHERE +broker = :broker;

-- name: find_stored_symbols @sqlite
-- The same rows for a few keys: uix_symbol, once for each. CROSS JOIN and json_extract as in
-- get_symbol_tokens.
SELECT s.id, s.symbol, s.exchange, s.broker_symbol, s.token, s.strike, s.broker_exchange, s.name,
       s.instrument_type, s.lot_size, s.tick_size, s.expiry, s.option_type, s.contract_value
FROM json_each(:pairs) AS pair
CROSS JOIN symbols AS s
  ON s.broker = :broker
 AND s.symbol = json_extract(pair.value, '$[0]')
 AND s.exchange = json_extract(pair.value, '$[1]');

-- name: find_stored_symbols @postgresql
-- The same rows for a few keys: uix_symbol, once for each.
SELECT s.id, s.symbol, s.exchange, s.broker_symbol, s.token, s.strike, s.broker_exchange, s.name,
       s.instrument_type, s.lot_size, s.tick_size, s.expiry, s.option_type, s.contract_value
FROM jsonb_array_elements(CAST(:pairs AS JSONB)) AS pair
JOIN symbols AS s
  ON s.broker = :broker
 AND s.symbol = pair ->> 0
 AND s.exchange = pair ->> 1;

-- name: update_symbol
-- By pk_symbols; symbol and exchange are what the row was found by.
UPDATE symbols
SET broker_symbol = :broker_symbol, token = :token, broker_exchange = :broker_exchange,
    name = :name, instrument_type = :instrument_type, lot_size = :lot_size,
    tick_size = :tick_size, expiry = :expiry, strike = :strike, option_type = :option_type,
    last_updated = :last_updated, contract_value = :contract_value
WHERE id = :id;

-- name: delete_symbol
-- By pk_symbols.
DELETE FROM symbols WHERE id = :id;

-- name: add_symbol_load
-- The new id comes back.
INSERT INTO symbol_loads (
    broker, status, started_at, total, inserted, updated, deleted, unchanged, rejected,
    rejected_by_reason, rejected_rows, renamed, read_seconds, validate_seconds, write_seconds,
    error, kept
) VALUES (
    :broker, :status, :started_at, :total, :inserted, :updated, :deleted, :unchanged, :rejected,
    :rejected_by_reason, :rejected_rows, :renamed, :read_seconds, :validate_seconds,
    :write_seconds, :error, :kept
)
RETURNING id;

-- name: get_last_symbol_load
-- The end of ix_symbol_loads_broker_id.
SELECT id, broker, status, started_at, total, inserted, updated, deleted, unchanged, rejected,
       rejected_by_reason, rejected_rows, renamed, read_seconds, validate_seconds, write_seconds,
       error, kept
FROM symbol_loads
WHERE broker = :broker
ORDER BY id DESC
LIMIT 1;

-- name: get_master_version
-- The end of ix_symbol_loads_broker_id, past what was refused: the load that made the master what
-- it is. Only who holds the lock of a broker adds one, so the ids of its loads are in order.
SELECT id
FROM symbol_loads
WHERE broker = :broker AND status = 'loaded'
ORDER BY id DESC
LIMIT 1;
