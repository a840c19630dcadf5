#!/bin/sh
# PgBouncer knows the password of its one user: it logs in to the servers with it.
set -eu
umask 077
printf '"openalgo" "%s"\n' "$OPENALGO_PASSWORD" > /tmp/users.txt
exec pgbouncer "$1"
