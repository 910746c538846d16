#!/usr/bin/env bash
# The whole of it, end to end, without Docker and without an account: a real Apache Kafka broker, the functions' zips on
# ministack's Lambda over its DynamoDB, `weir poll` between them, `weir simulate` in front over HTTP and Kafka. Rows in
# the result topics and over HTTP have to be those of `weir run` on the same events, row for row, although meanwhile
# functions are killed at work, pollers are killed, come and go, and the broker is stopped and killed. Before that
# `weir poll`, after that `weir backfill` are held to what they promise, on that broker.
#
# With --source kinesis the topics are streams of ministack's Kinesis, and its event source mappings stand between: events come
# over HTTP and straight into the streams, the function window is killed at work, shards are split and merged, and the mappings
# are made anew.
#
#   scripts/end-to-end.sh [--source kafka|kinesis] [--zips dist/x86_64] [--infra FOLDER] [--seconds N]
#
# --zips takes what scripts/zips.sh built for this machine; unless given zips are made of a debug build, which takes
# seconds. WEIR_BINARIES names a folder that has weir and the functions, built; unless given they are built. --infra is
# what Terraform applies where its aws provider can be had; elsewhere the same is made by AWS's API. --seconds is how
# long events come (45).
#
# Needs Linux and Python; for Kafka Java 17 or newer and Maven too, which are installed with apt where that may be. Kafka, ministack
# and the rest go into a folder below the target folder. Skips, with the reason, without.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/end-to-end
packages=(ministack==1.5.33 boto3==1.43.106 confluent-kafka==2.16.1 aws-kinesis-agg==1.2.3 psutil==7.2.2)

skip() {
  echo "skipped: $1"
  exit 0
}

# shellcheck source=scripts/lib/kafka.sh
. scripts/lib/kafka.sh

find_packages() {
  command -v python3 >/dev/null || skip "there is no python3"
  local venv=$tools/venv
  [ "$(cat "$venv/installed" 2>/dev/null)" = "${packages[*]}" ] && return
  echo "installing ${packages[*]} into $venv"
  { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "${packages[@]}"; } \
    || skip "ministack and what it needs can't be installed"
  echo "${packages[*]}" >"$venv/installed"
}

[ "$(uname -s)" = Linux ] || skip "the functions are built for this machine, and Lambda is Linux"
mkdir -p "$tools"
kafka_options=()
if [[ " $* " != *" --source kinesis "* ]]; then
  find_java
  find_kafka
  kafka_options=(--kafka "$jars")
fi
find_packages
binaries=${WEIR_BINARIES:-}
if [ -z "$binaries" ]; then
  cargo build --quiet --locked --workspace --bins --features weir/kinesis
  binaries=$target/debug
fi

# What a failure leaves is for people; the next run begins anew.
work=$tools/work
rm -rf "$work"
mkdir "$work"
# Nothing of the caller's may be written to.
for variable in $(compgen -e | grep -E '^(WEIR|AWS)_' || true); do unset "$variable"; done
# Python's own leavings would stand beside the scripts.
export PYTHONDONTWRITEBYTECODE=1
"$tools/venv/bin/python" scripts/end_to_end --binaries "$binaries" ${kafka_options[@]+"${kafka_options[@]}"} --work "$work" "$@"
rm -rf "$work"
