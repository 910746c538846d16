#!/usr/bin/env bash
# The whole of it, end to end, without Docker and without an account: a real Apache Kafka broker, the functions' zips on
# ministack's Lambda over its DynamoDB, `weir poll` between them, `weir simulate` in front over HTTP and Kafka. Rows in
# the result topics and over HTTP have to be those of `weir run` on the same events, row for row, although meanwhile
# functions are killed at work, pollers are killed, come and go, and the broker is stopped and killed. Before that
# `weir poll`, after that `weir backfill` are held to what they promise, on that broker.
#
#   scripts/end-to-end.sh [--zips dist/x86_64] [--infra FOLDER] [--seconds N]
#
# --zips takes what scripts/zips.sh built for this machine; unless given zips are made of a debug build, which takes
# seconds. WEIR_BINARIES names a folder that has weir and the functions, built; unless given they are built. --infra is
# what Terraform applies where its aws provider can be had; elsewhere the same is made by AWS's API. --seconds is how
# long events come (60).
#
# Needs Linux, Python, Java 17 or newer and Maven, which are installed with apt where that may be; Kafka, ministack and the
# rest go into a folder below the target folder. Skips, with the reason, without.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/end-to-end
# MSK offers it.
kafka=4.1.1
packages=(ministack==1.5.33 boto3==1.43.106 confluent-kafka==2.16.1 psutil==7.2.2)

skip() {
  echo "skipped: $1"
  exit 0
}

has_java() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') && [ "${version:-0}" -ge 17 ] && command -v mvn >/dev/null
}

find_java() {
  has_java && return
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || skip "there is no Java 17 with Maven"
  echo "installing Java and Maven"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends default-jre-headless maven; } \
    >"$tools/apt.log" 2>&1 || skip "Java and Maven can't be installed"
  has_java || skip "there is no Java 17 with Maven, nor has apt one"
}

# Kafka's own jars, and a logger that writes to standard error.
find_kafka() {
  jars=$tools/kafka-$kafka
  [ -f "$jars/complete" ] && return
  echo "installing Apache Kafka $kafka into $jars"
  mkdir -p "$jars"
  cat >"$jars/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir</groupId><artifactId>end-to-end</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
  mvn --quiet --batch-mode --file "$jars/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$jars" >"$tools/mvn.log" 2>&1 \
    || skip "Apache Kafka can't be had from Maven Central: $(grep -m 1 ERROR "$tools/mvn.log" || echo unknown)"
  touch "$jars/complete"
}

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
find_java
find_kafka
find_packages
binaries=${WEIR_BINARIES:-}
if [ -z "$binaries" ]; then
  cargo build --quiet --locked --workspace --bins
  binaries=$target/debug
fi

# What a failure leaves is for people; the next run begins anew.
work=$tools/work
rm -rf "$work"
mkdir "$work"
# Nothing of the caller's may be written to.
for variable in $(compgen -e | grep -E '^(WEIR|AWS)_' || true); do unset "$variable"; done
"$tools/venv/bin/python" scripts/end_to_end --binaries "$binaries" --kafka "$jars" --work "$work" "$@"
rm -rf "$work"
