-- The symbol master: one row for each instrument of a broker.
-- Columns of a record stand in the order of the table.

-- name: get_symbol
-- One probe of uix_symbol (broker, symbol, exchange).
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE broker = :broker AND symbol = :symbol AND exchange = :exchange;

-- name: get_symbol_token
-- One probe of uix_symbol.
SELECT token FROM symbols
WHERE broker = :broker AND symbol = :symbol AND exchange = :exchange;

-- name: get_symbol_by_token
-- ix_symbols_token; tokens are unique within an exchange of a broker only, so a few rows
-- are read and sorted: of two contracts that claim it the one that lives longest.
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE token = :token AND exchange = :exchange AND broker = :broker
ORDER BY expiry IS NULL DESC, expiry DESC, symbol <> broker_symbol, id
LIMIT 1;

-- name: get_symbol_by_broker_symbol
-- ix_symbols_broker_symbol; brokers share names, so a few rows are read and sorted: of two shares
-- that a broker calls alike it is the one whose symbol has no series.
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE broker_symbol = :broker_symbol AND exchange = :exchange AND broker = :broker
ORDER BY expiry IS NULL DESC, expiry DESC, symbol <> broker_symbol, id
LIMIT 1;

-- name: get_symbol_tokens @sqlite
-- uix_symbol, once for each pair: CROSS JOIN, since SQLite would else read the whole master and
-- all pairs for each row of it. json_extract, because ->> needs SQLite 3.38.
SELECT s.symbol, s.exchange, s.token
FROM json_each(:pairs) AS pair
CROSS JOIN symbols AS s
  ON s.broker = :broker
 AND s.symbol = json_extract(pair.value, '$[0]')
 AND s.exchange = json_extract(pair.value, '$[1]');

-- name: get_symbol_tokens @postgresql
-- uix_symbol, once for each pair.
SELECT s.symbol, s.exchange, s.token
FROM jsonb_array_elements(CAST(:pairs AS JSONB)) AS pair
JOIN symbols AS s
  ON s.broker = :broker
 AND s.symbol = pair ->> 0
 AND s.exchange = pair ->> 1;

-- name: get_master
-- A whole master for the cache: the planner reads the whole table.
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE broker = :broker;

-- name: get_master @sqlite
-- The + keeps SQLite from the unique index, which would jump about in the table for every row.
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE +broker = :broker;

-- name: count_symbols
-- Counts the narrowest index.
SELECT count(*) AS symbols FROM symbols;

-- name: count_symbols_of_broker
-- A range of uix_symbol.
SELECT count(*) AS symbols FROM symbols WHERE broker = :broker;

-- name: get_brokers
-- Skips from broker to broker in uix_symbol: a DISTINCT would read every row of it.
WITH RECURSIVE found(broker) AS (
    SELECT min(broker) FROM symbols
    UNION ALL
    SELECT (SELECT min(broker) FROM symbols WHERE broker > found.broker)
    FROM found
    WHERE found.broker IS NOT NULL
)
SELECT broker FROM found WHERE broker IS NOT NULL;

-- name: get_option_chain
-- ix_symbols_underlying, in its order: one expiry of one underlying, of every broker.
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE name = :name AND expiry = :expiry AND exchange = :exchange AND broker = :broker
  AND option_type IS NOT NULL AND strike IS NOT NULL
ORDER BY strike;

-- name: get_futures
-- ix_symbols_underlying, in its order: a future has the strike 0 or none, so that few rows of other
-- kinds are read.
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
       contract_value
FROM symbols
WHERE name = :name AND expiry >= :since AND exchange = :exchange AND broker = :broker
  AND instrument_type = 'FUT'
ORDER BY expiry;
