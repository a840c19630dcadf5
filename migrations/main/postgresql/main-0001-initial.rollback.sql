-- Takes the whole main database away, tables that refer to others first.

DROP TABLE symbol_loads;
DROP TABLE symbols;
DROP TABLE strategies;
DROP TABLE holdings;
DROP TABLE positions;
DROP TABLE trades;
DROP TABLE orders;
DROP TABLE auth_tokens;
DROP TABLE api_keys;
DROP TABLE users;
