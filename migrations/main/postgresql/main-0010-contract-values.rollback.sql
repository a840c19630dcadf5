-- Symbols of more than 50 characters are gone: the version before cannot hold them.

ALTER TABLE symbol_loads DROP COLUMN kept;
ALTER TABLE symbols DROP COLUMN contract_value;
DELETE FROM symbols WHERE length(symbol) > 50;
ALTER TABLE symbols DROP CONSTRAINT ck_symbols_symbol_length;
ALTER TABLE symbols ADD CONSTRAINT ck_symbols_symbol_length CHECK (length(symbol) <= 50);
