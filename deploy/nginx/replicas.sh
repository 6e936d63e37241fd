#!/bin/sh
# Writes into conf.d which replica serves whom, for the addresses in $REPLICAS ("10.0.0.1:8501 10.0.0.2:8501").
#
# The cookie `replica` holds the number of the replica that answered last. Whoever has it goes there, and to the others
# only while that one does not answer; then the cookie changes, so that pictures and uploads follow the session. Nobody is
# taken for dead (max_fails=0): in a rolling restart the one that has just come back is all there is.
set -eu
file=${CONF:-/etc/nginx/conf.d/replicas.conf}
others() { for server in $REPLICAS; do [ "$server" = "$1" ] || echo "  server $server max_fails=0 backup;"; done; }
{
  echo "upstream replica_any { least_conn;"
  for server in $REPLICAS; do echo "  server $server max_fails=0;"; done
  echo "}"
  echo "upstream replica_same { hash \$remote_addr\$http_user_agent consistent;"
  for server in $REPLICAS; do echo "  server $server max_fails=0;"; done
  echo "}"
  number=0
  for server in $REPLICAS; do
    number=$((number + 1))
    printf 'upstream replica_%s {\n  server %s max_fails=0;\n%s\n}\n' "$number" "$server" "$(others "$server")"
  done
  echo 'map $cookie_replica $known { default none;'
  number=0
  for server in $REPLICAS; do
    number=$((number + 1))
    echo "  $number $number;"
  done
  echo '}'
  echo 'map $upstream_addr $answered { default "";' # the last of those that were asked
  number=0
  for server in $REPLICAS; do
    number=$((number + 1))
    echo "  \"~(^|[ ,])$(echo "$server" | sed 's/[.]/[.]/g')\$\" $number;"
  done
  echo '}'
} >"$file"
