#!/usr/bin/env bash
# Rows of `weir run` through `weir sink` into what people query, and back out of it: Parquet files read by
# DuckDB, in a folder and on an S3 server (moto), and tables in ClickHouse's engine. Everything is written
# twice and once more cut otherwise; each row must be there once.
#
#   scripts/sinks.sh
#
# Needs Python to install duckdb, moto and chdb into a folder of its own; skips, with the reason, without. There
# is no ClickHouse server of this decade in Debian's, PyPI's or npm's archives: chdb is its engine as a
# library, which scripts/sinks.py puts behind the same HTTP.
set -euo pipefail
cd "$(dirname "$0")/.."

# Nothing of the caller's may be written to.
unset WEIR_SINK WEIR_SQL

work=$(mktemp -d)
export SINKS_WORK="$work"
started=()
cleanup() {
  for pid in ${started[@]+"${started[@]}"}; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT

skip() {
  echo "skipped: $1"
  exit 0
}

command -v python3 >/dev/null || skip "there is no python3"
target="${CARGO_TARGET_DIR:-target}"
venv="$target/sinks"
if ! "$venv/bin/python" -c 'import duckdb, moto.server, chdb' 2>/dev/null; then
  echo "installing duckdb, moto and chdb into $venv"
  { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet 'duckdb>=1.4' 'moto[server,s3]>=5' 'chdb>=3'; } \
    || skip "duckdb, moto and chdb can't be installed"
fi

# As CI has built it, or with nothing but what this needs.
weir="${WEIR:-}"
if [ -z "$weir" ]; then
  cargo build --quiet --package weir --bin weir --no-default-features --features cli,sink-s3
  weir="$target/debug/weir"
fi

# The same events as the end-to-end run: late ones fire windows anew, so some rows have revisions.
"$weir" run --sql sql/ctr.sql --batch 5 \
  --input impressions=events/impressions.ndjson --input clicks=events/clicks.ndjson --output "$work/rows.ndjson"
"$weir" run --sql sql/shop.sql --batch 50 \
  --input order_events=events/order_events.ndjson --input product_analytics=events/product_analytics.ndjson \
  --input user_events=events/user_events.ndjson --output "$work/shop.ndjson"
cat "$work/shop.ndjson" >>"$work/rows.ndjson"

# serve SCRIPT_ARGUMENTS...: starts a server of sinks.py on a free port and sets `port`.
serve() {
  rm -f "$work/port"
  "$venv/bin/python" scripts/sinks.py "$@" "$work/port" >"$work/server.log" 2>&1 &
  started+=($!)
  local deadline=$((SECONDS + 60))
  until [ -s "$work/port" ]; do
    [ "$SECONDS" -lt "$deadline" ] || { tail -n 30 "$work/server.log" >&2; echo "failed: no server" >&2; exit 1; }
    sleep 0.2
  done
  port=$(cat "$work/port")
}

# As it is, again, and again cut otherwise.
sink() {
  "$weir" sink --to "$1" "$work/rows.ndjson"
  "$weir" sink --to "$1" "$work/rows.ndjson"
  "$weir" sink --to "$1" --batch 13 "$work/rows.ndjson"
}

# Before files are put together and after.
check_lake() {
  "$weir" schema duckdb --from "$1" >"$work/duckdb.sql"
  "$venv/bin/python" scripts/sinks.py duckdb "$work/duckdb.sql" "$work/rows.ndjson" "${@:2}"
  "$weir" compact --from "$1" >"$work/compact.log"
  grep --quiet '^view=ctr/date=' "$work/compact.log"
  "$venv/bin/python" scripts/sinks.py duckdb "$work/duckdb.sql" "$work/rows.ndjson" --compact "${@:2}"
  [ "$("$weir" compact --from "$1")" = "nothing to compact" ]
}

echo "== Parquet in a folder, read by DuckDB"
sink "file://$work/lake"
check_lake "file://$work/lake"

echo "== Parquet on S3, read by DuckDB"
serve s3
export AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
sink "s3://rows/web"
check_lake "s3://rows/web" --s3 "127.0.0.1:$port"

echo "== ClickHouse's engine"
serve clickhouse "$work/clickhouse"
sink "clickhouse://web:secret@127.0.0.1:$port/web"
"$venv/bin/python" scripts/sinks.py clickhouse "$port" "$work/rows.ndjson"
echo "all rows are there once"
