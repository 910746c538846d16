#!/usr/bin/env bash
# Holds the API to its own description: schemathesis makes requests from /openapi.json, such as fit it
# and such as do not, and looks at every answer with all its checks. Needs Python 3 with venv; installs
# schemathesis into the target folder. Says `skipped: ...` where that cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
version=4.32.5
examples="${WEIR_SCHEMATHESIS_EXAMPLES:-25}"

skip() {
    echo "skipped: $1"
    exit 0
}

command -v python3 >/dev/null || skip 'python3 is not installed'
venv="$target/schemathesis-$version"
if [ ! -x "$venv/bin/schemathesis" ]; then
    python3 -m venv "$venv" >/dev/null 2>&1 || skip 'python3 has no venv'
    "$venv/bin/pip" install --quiet "schemathesis==$version" || { rm -rf "$venv"; skip 'schemathesis cannot be installed'; }
fi

cargo build --locked --package weir --no-default-features --features websocket,swagger --example api

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

key=schemathesis-0123456789
WEIR_API_KEYS="$key" WEIR_PROTECT_READS=true "$target/debug/examples/api" >"$work/url" &
server=$!
for _ in $(seq 100); do
    [ -s "$work/url" ] && break
    kill -0 "$server" 2>/dev/null || { echo 'the API did not start' >&2; exit 1; }
    sleep 0.1
done
url=$(cat "$work/url")

"$venv/bin/python" scripts/schemathesis-schema.py "$url/openapi.json" >"$work/openapi.json"
cat >"$work/schemathesis.toml" <<CONFIG
[checks]
# Of several events the good ones are taken and the bad ones are named: 207 is a refusal too.
negative_data_rejection.expected-statuses = [207, 400, 401, 403, 404, 405, 409, 413, 415, 422, 501]
# Requests are made one by one: that two of them have the same Idempotency-Key is chance (422).
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 422, 501]
# This server has no broker, so it says of /sql/try that it is not here.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501]
CONFIG
# Where it keeps what it remembers.
cd "$work"
"$venv/bin/schemathesis" --config-file "$work/schemathesis.toml" run "$work/openapi.json" --url "$url" \
    --checks all --phases examples,coverage,fuzzing --max-examples "$examples" --seed 7 --workers 1 \
    --header "Authorization: Bearer $key" --no-color
