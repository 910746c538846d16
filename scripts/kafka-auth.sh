#!/usr/bin/env bash
# Logs in to a real Apache Kafka broker in every way that Weir can, over TLS: by a certificate, by SCRAM-SHA-512 and 256, by
# PLAIN, by a secret of Secrets Manager, and with a token as MSK's IAM takes it, whose signature the broker checks. Each time
# `weir replay` sends events and `weir poll` hands them to a function. What is refused has to say by whom, and how it was tried.
#
#   scripts/kafka-auth.sh
#
# WEIR names the command, built with the features kafka-tls and secrets; unless given it is built. Needs a JDK (17 or newer)
# and Maven, which are installed with apt where that may be, Python and openssl; Kafka goes into a folder below the target
# folder. Skips, with the reason, where these can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/end-to-end
work=$target/kafka-auth
access_key=AKIDLOCAL
secret_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYLOCAL

skip() {
  echo "skipped: $1"
  exit 0
}

fail() {
  echo "failed: $1" >&2
  exit 1
}

# shellcheck source=scripts/lib/kafka.sh
. scripts/lib/kafka.sh

started=()
stop() {
  for process in ${started[@]+"${started[@]}"}; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
}
trap stop EXIT

# eventually WHAT SECONDS COMMAND...
eventually() {
  local what=$1 left=$(($2 * 5))
  shift 2
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail "waited in vain for $what; see $work"
    sleep 0.2
  done
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() {
  python3 -c "import socket; socket.create_connection(('127.0.0.1', $1))"
}

# certificate NAME SUBJECT EXTENSION: NAME.pem and its key NAME.key, signed by the authority.
certificate() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile <(echo "$3") -out "$1.pem"
}

certificates() (
  cd "$work"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj "/CN=weir test authority" -days 2 -out ca.pem
  certificate broker localhost "subjectAltName=IP:127.0.0.1,DNS:localhost"
  certificate client weir "extendedKeyUsage=clientAuth"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout stranger.key -subj "/CN=stranger" -days 2 -out stranger.pem
  cat broker.key broker.pem ca.pem >broker-store.pem
) >"$work/openssl.log" 2>&1

# One node, broker and controller in one; a listener for each way to log in.
start_kafka() {
  local controller
  controller=$(free_port) certificate_port=$(free_port) password_port=$(free_port) token_port=$(free_port)
  cat >"$work/kafka.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=CONTROLLER://127.0.0.1:$controller,CERTIFICATE://127.0.0.1:$certificate_port,PASSWORD://127.0.0.1:$password_port,TOKEN://127.0.0.1:$token_port
advertised.listeners=CERTIFICATE://127.0.0.1:$certificate_port,PASSWORD://127.0.0.1:$password_port,TOKEN://127.0.0.1:$token_port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CERTIFICATE:SSL,PASSWORD:SASL_SSL,TOKEN:SASL_SSL
inter.broker.listener.name=CERTIFICATE
ssl.keystore.type=PEM
ssl.keystore.location=$work/broker-store.pem
ssl.truststore.type=PEM
ssl.truststore.location=$work/ca.pem
listener.name.certificate.ssl.client.auth=required
listener.name.password.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.password.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.password.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.password.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_weir="s3cret";
listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.token.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.token.oauthbearer.sasl.server.callback.handler.class=PresignedConnect
# Clients have to log in anew while they are connected, as with MSK.
listener.name.token.oauthbearer.connections.max.reauth.ms=4000
log.dirs=$work/kafka-data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  local java=(java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
    "-Dweir.access.key=$access_key" "-Dweir.secret.key=$secret_key" -cp "$jars/*:$work/classes")
  "${java[@]}" kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c "$work/kafka.properties" \
    --add-scram 'SCRAM-SHA-512=[name=weir,password=s3cret]' --add-scram 'SCRAM-SHA-256=[name=weir,password=s3cret]' \
    >"$work/format.log" 2>&1 || fail "Kafka's storage was not formatted: see $work/format.log"
  "${java[@]}" kafka.Kafka "$work/kafka.properties" >"$work/kafka.log" 2>&1 &
  started+=($!)
  eventually "Kafka" 90 answers "$token_port"
}

start_endpoint() {
  python3 - >"$work/secrets.json" <<PY
import json, pathlib
text = lambda name: (pathlib.Path("$work") / name).read_text()
print(json.dumps({
    "weir/scram": {"username": "weir", "password": "s3cret"},
    "weir/certificate": {"certificate": text("client.pem"), "privateKey": text("client.key")},
    "weir/ca": {"certificate": text("ca.pem")},
}))
PY
  python3 scripts/kafka_auth/endpoint.py "$work/endpoint" "$work/secrets.json" >"$work/endpoint.log" 2>&1 &
  started+=($!)
  eventually "the function" 20 test -s "$work/endpoint"
  endpoint=http://127.0.0.1:$(cat "$work/endpoint")
}

# told TOPIC COUNT: whether the function got so many records of a topic.
told() {
  [ "$(curl --silent --fail "$endpoint/$1")" = "$2" ]
}

# weir NAME=VALUE... -- ARGUMENT...: the command with these WEIR_KAFKA_ settings alone.
weir() {
  local settings=()
  while [ "${1:-}" != -- ]; do settings+=("WEIR_KAFKA_$1") && shift; done
  shift
  # In the background by exec, so that its process is the one that is known.
  ${run:-} env "${settings[@]}" AWS_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID="${key:-$access_key}" \
    AWS_SECRET_ACCESS_KEY="${secret:-$secret_key}" AWS_ENDPOINT_URL="$endpoint" "$WEIR" "$@"
}

# table TOPIC: the SQL of the events in it.
table() {
  echo "CREATE TABLE events (k TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (topic = '$1', key = 'k', event_time = 'ts');" >"$work/$1.sql"
}

# passes WAY PORT SETTING...: events go in and come out.
passes() {
  local way=$1 port=$2 poller
  shift 2
  table "$way"
  weir "$@" -- replay "$work/events.ndjson" --to "kafka://127.0.0.1:$port/$way" --sql "$work/$way.sql" >"$work/$way.log" 2>&1 \
    || fail "$way: no events went in: $(tail -3 "$work/$way.log")"
  cat >"$work/$way.toml" <<TOML
[kafka]
"bootstrap.servers" = "127.0.0.1:$port"
[lambda]
endpoint = "$endpoint"
[[mapping]]
function = "count"
topics = ["$way"]
group = "$way"
starting_position = "AT_TIMESTAMP"
starting_position_timestamp = "2020-01-01T00:00:00Z"
TOML
  run='exec' weir "$@" -- poll --config "$work/$way.toml" >"$work/$way-poll.log" 2>&1 &
  poller=$!
  started+=("$poller")
  eventually "the events of $way" 60 told "$way" 3
  # For longer than a login lasts, where it does not last for ever.
  [ "$port" != "$token_port" ] || sleep 6
  weir "$@" -- replay "$work/events.ndjson" --to "kafka://127.0.0.1:$port/$way" --sql "$work/$way.sql" >>"$work/$way.log" 2>&1
  eventually "more events of $way" 60 told "$way" 6
  kill "$poller"
  wait "$poller" || fail "$way: the poller did not stop well: $(tail -3 "$work/$way-poll.log")"
  echo "ok: $way"
}

# refused WAY PORT TEXT SETTING...: nothing goes in, and what is said has the text, as an extended regular expression, in it.
refused() {
  local way=$1 port=$2 text=$3
  shift 3
  if weir "$@" MESSAGE_TIMEOUT_MS=6000 -- replay "$work/events.ndjson" --to "kafka://127.0.0.1:$port/refused" \
    --sql "$work/refused.sql" >"$work/refused.log" 2>&1; then
    fail "$way: events went in"
  fi
  grep --quiet --extended-regexp "$text" <<<"$(tail -1 "$work/refused.log")" || fail "$way: it was said: $(tail -2 "$work/refused.log")"
  echo "ok: $way is refused: $(tail -1 "$work/refused.log")"
}

mkdir -p "$tools"
find_java
command -v javac >/dev/null || skip "there is no javac"
command -v python3 >/dev/null || skip "there is no python3"
command -v openssl >/dev/null || skip "there is no openssl"
find_kafka
if [ -z "${WEIR:-}" ]; then
  cargo build --quiet --locked --package weir --bin weir --features kafka-tls,secrets
  WEIR=$target/debug/weir
fi

# Nothing of the caller's may be in the way. What a failure leaves is for people; the next run begins anew.
for variable in $(compgen -e | grep -E '^(WEIR_|AWS_)' || true); do unset "$variable"; done
rm -rf "$work"
mkdir -p "$work/classes"
javac -cp "$jars/*" -d "$work/classes" scripts/kafka_auth/PresignedConnect.java
certificates
table refused
for k in a b c; do echo "{\"k\": \"$k\", \"ts\": 1767225600000}"; done >"$work/events.ndjson"
start_kafka
start_endpoint

ca=SSL_CA_LOCATION=$work/ca.pem
mtls=(SECURITY_PROTOCOL=SSL "$ca" SSL_CERTIFICATE_LOCATION="$work/client.pem" SSL_KEY_LOCATION="$work/client.key")
login=(SECURITY_PROTOCOL=SASL_SSL "$ca" SASL_USERNAME=weir)
token=(SECURITY_PROTOCOL=SASL_SSL "$ca" SASL_MECHANISMS=OAUTHBEARER)

passes certificate "$certificate_port" "${mtls[@]}"
passes certificate-of-a-secret "$certificate_port" SECURITY_PROTOCOL=SSL SECRET=weir/certificate CA_SECRET=weir/ca
for mechanism in SCRAM-SHA-512 SCRAM-SHA-256 PLAIN; do
  passes "$mechanism" "$password_port" "${login[@]}" SASL_PASSWORD=s3cret SASL_MECHANISMS="$mechanism"
done
passes password-of-a-secret "$password_port" SECURITY_PROTOCOL=SASL_SSL SASL_MECHANISMS=SCRAM-SHA-512 SECRET=weir/scram CA_SECRET=weir/ca
passes password-of-a-parameter "$password_port" SECURITY_PROTOCOL=SASL_SSL SASL_MECHANISMS=SCRAM-SHA-512 SECRET=ssm:weir/scram \
  CA_SECRET=ssm:weir/ca
passes iam "$token_port" "${token[@]}"
passes clicks "$token_port" "${token[@]}"
# It asks which topics there are, by a client that nobody polls for tokens otherwise.
weir "${token[@]}" -- simulate --to "kafka://127.0.0.1:$token_port" --duration 1s >"$work/simulate.log" 2>&1 \
  || fail "topics were not found by IAM: $(tail -3 "$work/simulate.log")"
echo "ok: topics are found by IAM"

for mechanism in SCRAM-SHA-512 SCRAM-SHA-256 PLAIN; do
  refused "a wrong password by $mechanism" "$password_port" "by $mechanism.*127.0.0.1:$password_port" \
    "${login[@]}" SASL_PASSWORD=guessed SASL_MECHANISMS="$mechanism"
done
refused "a certificate of a stranger" "$certificate_port" "127.0.0.1:$certificate_port.*SSL" \
  SECURITY_PROTOCOL=SSL "$ca" SSL_CERTIFICATE_LOCATION="$work/stranger.pem" SSL_KEY_LOCATION="$work/stranger.key"
refused "an authority that is unknown" "$password_port" "127.0.0.1:$password_port.*certificate verify failed" \
  SECURITY_PROTOCOL=SASL_SSL SASL_USERNAME=weir SASL_PASSWORD=s3cret SASL_MECHANISMS=PLAIN
secret=guessed refused "a wrong secret key" "$token_port" "by OAUTHBEARER.*127.0.0.1:$token_port" "${token[@]}"
refused "a secret that is not there" "$password_port" "secret weir/none that WEIR_KAFKA_SECRET names.*ResourceNotFoundException" \
  "${login[@]}" SASL_MECHANISMS=PLAIN SECRET=weir/none
refused "a parameter that is not there" "$password_port" "secret ssm:weir/none that WEIR_KAFKA_SECRET names.*ParameterNotFound" \
  "${login[@]}" SASL_MECHANISMS=PLAIN SECRET=ssm:weir/none
rm -rf "$work"
