DROP TABLE secret_sentinels;
ALTER TABLE auth_tokens DROP COLUMN key_id;
ALTER TABLE api_keys DROP COLUMN hint;
