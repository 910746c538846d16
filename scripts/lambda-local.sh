#!/usr/bin/env bash
# Runs the Lambda functions as AWS would, offline: `cargo lambda watch` over a running `weir up`, the sample
# payloads of events/ sent to each, their answers checked. Ports are free ones, the state is thrown away.
#
#   scripts/lambda-local.sh [--release]
#
# Needs cargo-lambda, or Python to install it into a folder of its own; skips, with the reason, without.
set -euo pipefail
cd "$(dirname "$0")/.."

# The samples must not reach anybody: without targets alerts are only logged.
unset WEIR_NOTIFY

profile=debug
build=()
if [ "${1:-}" = --release ]; then
  profile=release
  build=(--release)
fi

work=$(mktemp -d)
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

fail() {
  echo "failed: $1" >&2
  tail -n 30 "$work"/*.log >&2
  exit 1
}

# eventually WHAT SECONDS COMMAND...: tries the command until it succeeds.
eventually() {
  local what=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $what"
    sleep 0.2
  done
}

find_cargo_lambda() {
  cargo lambda --version >/dev/null 2>&1 && return
  command -v python3 >/dev/null || skip "there is no cargo-lambda, and no python3 to install it"
  local venv="${CARGO_TARGET_DIR:-target}/cargo-lambda"
  if [ ! -x "$venv/bin/cargo-lambda" ]; then
    echo "installing cargo-lambda into $venv"
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet cargo-lambda ziglang; } \
      || skip "cargo-lambda can't be installed"
  fi
  venv=$(cd "$venv" && pwd)
  PATH="$venv/bin:$PATH"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_stack() {
  echo "building and starting weir up"
  cargo build --quiet --bin weir ${build[@]+"${build[@]}"}
  "${CARGO_TARGET_DIR:-target}/$profile/weir" up --no-simulate --sql sql --data-dir "$work/data" \
    --port 0 --kafka-port 0 --dynamodb-port 0 >"$work/up.log" 2>&1 &
  started+=($!)
  eventually "weir up" 60 test -s "$work/data/env"
  # shellcheck disable=SC1091
  . "$work/data/env"
}

# Each function is built when it is first called, which takes its time.
start_functions() {
  export WEIR_SINK="file://$work/rows"
  command -v python3 >/dev/null || skip "there is no python3 to find a free port"
  port=$(free_port)
  cargo lambda watch ${build[@]+"${build[@]}"} --ignore-changes --invoke-address 127.0.0.1 --invoke-port "$port" >"$work/watch.log" 2>&1 &
  started+=($!)
  eventually "cargo lambda watch" 60 python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null
}

# expect FUNCTION FILE TEXT: the function's answer to the payload has the text in it.
expect() {
  local answer
  answer=$(cargo lambda invoke "$1" --invoke-address 127.0.0.1 --invoke-port "$port" --data-file "events/$1/$2" 2>&1) \
    || fail "$1 did not take $2: $answer"
  case $answer in
    *"$3"*) echo "ok: $1 $2" ;;
    *) fail "$1 answered $2 with $answer, which has no $3" ;;
  esac
}

has_rows() {
  cargo lambda invoke sweep --invoke-address 127.0.0.1 --invoke-port "$port" \
    --data-file events/sweep/schedule.json >/dev/null
  grep --quiet product_1 <<<"$(curl --silent --fail "$WEIR_URL/ctr/latest")"
}

find_cargo_lambda
start_stack
start_functions
for batch in msk-batch self-managed-batch poison-record late-records kinesis; do
  expect window "$batch.json" '"batchItemFailures":[]'
done
expect sweep schedule.json '"windows"'
eventually "the rows of the batches" 120 has_rows
expect notify alerts.json '"batchItemFailures":[]'
expect sink rows.json '"batchItemFailures":[]'
ls "$work"/rows/view=ctr/date=2026-01-01/*.parquet >/dev/null || fail "sink wrote no rows of ctr"
expect serve latest.json product_1
expect serve previous.json '"statusCode":200'
expect serve key.json product_1
expect serve unknown-view.json '"statusCode":404'
expect serve health.json '"statusCode":200'
expect ingest event.json '"statusCode":202'
expect ingest batch.json '"statusCode":202'
expect ingest partly-bad.json '"statusCode":207'
expect ingest bad.json '"statusCode":400'
expect ingest socket-connect.json '"statusCode":200'
expect ingest socket-message.json 'accepted\":1'
expect ingest socket-bad-message.json '/event'
expect ingest socket-disconnect.json '"statusCode":200'
echo "all functions answer as they should"
