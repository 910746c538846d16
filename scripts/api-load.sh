#!/usr/bin/env bash
# Measures the HTTP API of `weir up`: everything that it is (API, functions, broker, DynamoDB) on one core, the load from
# another one; then ingest once more with Apache Kafka as the broker, on the core of the load. Ports are free ones, the state is
# thrown away. What is aimed at stands in docs/performance.md.
#
#   scripts/api-load.sh [SECONDS]
#
# Needs wrk, which it installs where it may (Debian's package), and for the last part Java; skips, with the reason, what it
# has not got, or all of it with one core.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-10}
products=10000
# A batch has 100 events; as many connections send them as a collector has.
connections=16

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/end-to-end
work=$(mktemp -d)
server=
kafka_server=
stop() {
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
cleanup() {
  stop "$server"
  stop "$kafka_server"
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

find_tools() {
  [ "$(nproc)" -ge 2 ] || skip "the load needs a core of its own"
  local tool
  for tool in curl python3 taskset; do
    command -v "$tool" >/dev/null || skip "there is no $tool"
  done
  command -v wrk >/dev/null && return
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || skip "there is no wrk"
  echo "installing wrk"
  { apt-get update -qq && apt-get install -qq -y wrk; } >"$work/apt.log" 2>&1 || skip "wrk can't be installed"
}

# shellcheck source=scripts/lib/kafka.sh
. scripts/lib/kafka.sh

# start OPTIONS...: weir up, with an empty state.
start() {
  rm -rf "$work/data"
  taskset -c 0 "$target/release/weir" up --no-simulate --sql sql/ctr.sql --data-dir "$work/data" \
    --port 0 --dynamodb-port 0 "$@" >"$work/up.log" 2>&1 &
  server=$!
  local deadline=$((SECONDS + 60))
  until url=$(grep -o 'http://127.0.0.1:[0-9]*' <(grep API "$work/up.log") | head -n 1) && [ -n "$url" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "weir up did not start"
    sleep 0.2
  done
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# One node, broker and controller in one.
start_kafka() {
  local controller deadline=$((SECONDS + 60))
  kafka_port=$(free_port) controller=$(free_port)
  cat >"$work/kafka.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$kafka_port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port
log.dirs=$work/kafka-data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
PROPERTIES
  local java=(java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*")
  "${java[@]}" kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c "$work/kafka.properties" >"$work/format.log" 2>&1 \
    || fail "Kafka's storage was not formatted"
  taskset -c 1 "${java[@]}" kafka.Kafka "$work/kafka.properties" >"$work/kafka.log" 2>&1 &
  kafka_server=$!
  until python3 -c "import socket; socket.create_connection(('127.0.0.1', $kafka_port))" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || fail "Kafka did not start"
    sleep 0.2
  done
}

# The load's side of wrk: a request, at a rate where one is given, and a line of figures at the end.
cat >"$work/report.lua" <<'LUA'
local each = tonumber(os.getenv("EVENTS") or "1")
local pause = tonumber(os.getenv("PAUSE_MS") or "0")
if pause > 0 then
  -- Around the pause, so that connections do not come together.
  function delay() return math.random(0, 2 * pause) end
end
function done(summary, latency)
  local errors = summary.errors
  local took = summary.duration / 1e6
  io.write(string.format("%d %.0f %.2f %.2f %d\n", summary.requests * each, summary.requests * each / took, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
LUA
cat >"$work/read.lua" <<LUA
math.randomseed(1)
dofile("$work/report.lua")
function request() return wrk.format("GET", string.format("/ctr/p%05d", math.random(0, $products - 1))) end
LUA
cat >"$work/ingest.lua" <<LUA
math.randomseed(1)
dofile("$work/report.lua")
local at, bodies, next = os.getenv("AT"), {}, 0
for body = 1, $products / 100 do
  local lines = {}
  for line = 1, 100 do
    local product = (body - 1) * 100 + line - 1
    lines[line] = string.format('{"product_id":"p%05d","user_id":"u%d","event_type":"impression","timestamp":%s}',
      product, math.random(1, 50000), at)
  end
  bodies[body] = table.concat(lines, "\\n")
end
function request()
  next = next % #bodies + 1
  return wrk.format("POST", "/events/impressions/batch", { ["Content-Type"] = "application/x-ndjson" }, bodies[next])
end
LUA

# The CPU time that the server has had, user and system, in ticks.
ticks() {
  awk '{ print $14 + $15 }' "/proc/$server/stat"
}

# load SCRIPT CONNECTIONS: how many, how many a second, how many a second of the server's CPU time (what a core would do
# that nothing else runs on), median and 99th percentile in ms, errors.
load() {
  local before
  before=$(ticks)
  taskset -c 1 wrk -t1 -c"$2" -d"${seconds}s" -s "$work/$1.lua" "$url" | tail -n 1 >"$work/figures"
  awk -v spent=$(($(ticks) - before)) -v hz="$(getconf CLK_TCK)" \
    '{ print $2, int($1 / (spent + 1) * hz), $3, $4, $5 }' "$work/figures"
}

# row NAME AIM FIGURES...
row() {
  printf '%-42s %6s/s, %6s/s of CPU time, p50 %.2f ms, p99 %.2f ms, %s errors (aim: %s)\n' \
    "$1" "$3" "$4" "$5" "$6" "$7" "$2"
  [ "$7" = 0 ] || fail "$1: there were errors"
}

rows() {
  curl -sf "$url/ctr/latest" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}

# One event of each topic's partitions later than all others closes their window; the topic without events is idle.
wait_for_rows() {
  local deadline=$((SECONDS + 180))
  until [ "$(rows)" = "$products" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "there are $(rows) rows, $products were expected"
    sleep 1
  done
}

# latest NAME CURL-OPTIONS...: the best and the median of eleven, in ms, and the bytes.
latest() {
  local name=$1
  shift
  for _ in $(seq 11); do
    curl -s -o /dev/null -w '%{time_total} %{size_download}\n' "$@" "$url/ctr/latest"
  done | sort -n | awk -v name="$name" '{ t[NR] = $1 * 1000; bytes = $2 }
    END { printf "%-42s least %.1f ms, median %.1f ms, %d bytes  (aim: 100 ms)\n", name, t[1], t[6], bytes }'
}

find_tools
echo "building weir"
cargo build --quiet --release --bin weir
start --kafka-port 0
now=$(($(date +%s) * 1000))
# shellcheck disable=SC2046
row "ingest, batches of 100, acknowledged" "20 000 events/s" $(EVENTS=100 AT=$now load ingest $connections)
EVENTS=100 AT=$((now + 30000)) seconds=2 load ingest $connections >/dev/null
wait_for_rows
# shellcheck disable=SC2046
row "GET /ctr/{product_id}, as fast as it goes" "5 000 requests/s" $(load read $connections)
# shellcheck disable=SC2046
row "GET /ctr/{product_id}, half of the aim" "p99 under 10 ms" $(PAUSE_MS=10 load read 26)
latest "GET /ctr/latest, $products products"
latest "the same, gzip" -H 'Accept-Encoding: gzip'

stop "$server"
server=
find_java
mkdir -p "$tools"
find_kafka
start_kafka
start --kafka "127.0.0.1:$kafka_port"
# shellcheck disable=SC2046
row "ingest, with Apache Kafka elsewhere" "20 000 events/s" $(EVENTS=100 AT=$(($(date +%s) * 1000)) load ingest $connections)
