#!/usr/bin/env bash
# The replica: a copy of the primary at the first start, and from then on what streams from it.
set -euo pipefail

if [ ! -s "$PGDATA/global/pg_control" ]; then  # it comes last
    find "$PGDATA" -mindepth 1 -delete  # what an interrupted copy has left
    chmod 700 "$PGDATA"
    PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --username=replicator --no-password \
        --pgdata="$PGDATA" --slot=replica --wal-method=stream --checkpoint=fast \
        --write-recovery-conf
fi
exec postgres -c max_connections=200 -c hot_standby_feedback=on "$@"
