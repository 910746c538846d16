#!/usr/bin/env bash
# Starts the containers, deploys the functions to LocalStack, makes the topics and sends the sample events.
#
#   localstack/up.sh [grafana] [prometheus] [clickhouse] [--no-events]
#
# Needs Docker with compose, Terraform, curl, and the zips of scripts/zips.sh, which it builds where they are missing.
set -euo pipefail
cd "$(dirname "$0")"

events=yes
profiles=()
for argument in "$@"; do
  case $argument in
    grafana | prometheus | clickhouse) profiles+=("$argument") ;;
    --no-events) events=no ;;
    *) echo "expected grafana, prometheus, clickhouse or --no-events, found $argument" >&2 && exit 2 ;;
  esac
done

say() {
  printf '\n== %s\n' "$1"
}

need() {
  "$@" >/dev/null 2>&1 || { echo "failed: this needs $1, and \"$*\" does not succeed" >&2 && exit 1; }
}

# with PROFILE: whether it was asked for.
with() {
  local profile
  for profile in ${profiles[@]+"${profiles[@]}"}; do [ "$profile" != "$1" ] || return 0; done
  return 1
}

compose() {
  local chosen=() profile
  for profile in ${profiles[@]+"${profiles[@]}"}; do chosen+=(--profile "$profile"); done
  docker compose ${chosen[@]+"${chosen[@]}"} "$@"
}

architecture() {
  case $(uname -m) in
    arm64 | aarch64) echo arm64 ;;
    *) echo x86_64 ;;
  esac
}

# What weir poll is told: the sink's topics too where there is a sink.
write_poll_config() {
  mkdir -p .run
  cp poll.toml .run/poll.toml
  if with clickhouse; then cat poll-sink.toml >>.run/poll.toml; fi
  export POLL_CONFIG=./.run/poll.toml
}

terraform_root() {
  terraform -chdir=../infra/localstack "$@"
}

deploy() {
  local zips=../dist/$architecture
  if ! compgen -G "$zips/*.zip" >/dev/null; then ../scripts/zips.sh "$architecture"; fi
  compgen -G "$zips/*.zip" >/dev/null || { echo "failed: there are no zips in $zips" >&2 && exit 1; }
  local options=(-var "architecture=$architecture" -var-file ../aws/topics.auto.tfvars.json)
  if with clickhouse; then
    options+=(-var sink=true -var 'sink_targets=clickhouse://weir:weir@clickhouse:8123/weir')
  fi
  terraform_root init -input=false
  terraform_root apply -input=false -auto-approve "${options[@]}"
}

make_topics() {
  local name partitions retention
  while read -r name partitions retention <&3; do
    rpk topic describe "$name" >/dev/null 2>&1 \
      || rpk topic create "$name" --partitions "$partitions" --topic-config "retention.ms=$retention"
  done 3< <(terraform_root output -raw topics_to_make)
}

rpk() {
  docker compose exec -T redpanda rpk "$@" </dev/null
}

# call URL [CURL OPTION]...: the URLs of functions are names that lead to LocalStack's port, whatever the resolver says.
call() {
  curl --silent --show-error --connect-to ::127.0.0.1:4566 "$@"
}

# Some lines of the samples fit no table, on purpose, so an answer may be 207.
send() {
  printf '%s: ' "$1"
  call "${ingest}events/$1" --data-binary "@../events/$2"
  echo
}

send_samples() {
  local ingest
  ingest=$(terraform_root output -raw ingest_url)
  send impressions impressions.ndjson
  send clicks clicks.ndjson
  send click_stream click-stream.ndjson
  send user_clickstream user_clickstream.txt
  send raw_events raw_events.ndjson
  send user_events user_events.ndjson
  send product_analytics product_analytics.ndjson
  send order_events order_events.ndjson
}

# The samples are of the past, and windows of what has no traffic are closed by sweep, which runs once a minute.
show() {
  local serve deadline=$((SECONDS + 300))
  serve=$(terraform_root output -raw serve_url)
  until call "${serve}ctr/latest" | grep --quiet product_1; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "failed: no row of ctr within five minutes" >&2 && exit 1; }
    sleep 5
  done
  call "${serve}ctr/latest"
  printf '\n\n  API       curl --connect-to ::127.0.0.1:4566 %sviews\n' "$serve"
  echo "  Kafka     127.0.0.1:19092, Console http://127.0.0.1:8081"
  echo "  AWS       http://127.0.0.1:4566"
  if with clickhouse; then echo "  Rows      http://127.0.0.1:8123, user weir, password weir"; fi
  if with grafana; then echo "  Grafana   http://127.0.0.1:3000"; fi
  echo "  Stop      localstack/down.sh"
}

need docker compose version
need terraform version
need curl --version
architecture=$(architecture)

say "starting the broker and LocalStack"
compose up --detach --wait redpanda localstack
say "deploying"
deploy
say "making the topics"
make_topics
say "starting the event source and the rest (the first time it is compiled, which takes some minutes)"
write_poll_config
compose up --detach --build
if [ "$events" = yes ]; then
  say "sending the sample events"
  send_samples
  say "waiting for the rows"
  show
fi
