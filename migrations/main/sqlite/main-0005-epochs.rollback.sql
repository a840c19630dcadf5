-- Takes the epochs away.

DROP TABLE cache_epochs;
