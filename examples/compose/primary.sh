#!/usr/bin/env bash
# Once, when the primary is made: the user and the five databases of the store, the replica's user.
set -euo pipefail

psql --username=postgres --dbname=postgres --no-psqlrc --quiet \
    --set=ON_ERROR_STOP=1 --set=openalgo="$OPENALGO_PASSWORD" --set=replication="$REPLICATION_PASSWORD" <<'SQL'
CREATE ROLE openalgo LOGIN PASSWORD :'openalgo';
CREATE DATABASE openalgo OWNER openalgo ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE openalgo_sandbox OWNER openalgo ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE openalgo_latency OWNER openalgo ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE openalgo_logs OWNER openalgo ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE openalgo_telegram OWNER openalgo ENCODING 'UTF8' TEMPLATE template0;
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication';
\o /dev/null
SELECT pg_create_physical_replication_slot('replica');
SQL
echo "host replication replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
