#!/usr/bin/env bash
# Builds the zips of the Lambda functions for both architectures, sql/ beside each binary, and prints their sizes.
# Terraform takes them from there.
#
#   scripts/zips.sh [arm64|x86_64]... [--only FUNCTION]... [--to FOLDER]     FOLDER is dist unless given
#
# Needs cargo-lambda, zig and, for arm64, cmake; or Python to install them into a folder of its own. Skips, with
# the reason, where they can't be had. Kinesis, TLS, SASL and Secrets Manager are in: librdkafka is built with OpenSSL
# from source, which needs perl.
set -euo pipefail
cd "$(dirname "$0")/.."

out=dist
architectures=()
functions=()
while [ $# -gt 0 ]; do
  case $1 in
    arm64 | x86_64) architectures+=("$1") ;;
    --only) functions+=("${2:?--only takes a function}") && shift ;;
    --to) out=${2:?--to takes a folder} && shift ;;
    *) echo "expected arm64, x86_64, --only FUNCTION or --to FOLDER, found $1" >&2 && exit 2 ;;
  esac
  shift
done
[ ${#architectures[@]} -gt 0 ] || architectures=(arm64 x86_64)
if [ ${#functions[@]} -eq 0 ]; then
  for manifest in functions/*/Cargo.toml; do functions+=("$(basename "$(dirname "$manifest")")"); done
fi

target=${CARGO_TARGET_DIR:-target}
# The random bytes of a cold start cost 20 ms with it, and nothing without.
export AWS_LC_SYS_NO_JITTER_ENTROPY=1

skip() {
  echo "skipped: $1"
  exit 0
}

# cargo-lambda finds zig in its Python package, and librdkafka's build finds cmake in the path.
find_tools() {
  if cargo lambda --version >/dev/null 2>&1 && command -v zig >/dev/null && command -v cmake >/dev/null; then
    return
  fi
  command -v python3 >/dev/null || skip "there is no cargo-lambda, zig or cmake, and no python3 to install them"
  local venv="$target/cargo-lambda"
  if [ ! -x "$venv/bin/cargo-lambda" ] || [ ! -x "$venv/bin/cmake" ]; then
    echo "installing cargo-lambda, zig and cmake into $venv"
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet cargo-lambda ziglang cmake; } \
      || skip "cargo-lambda, zig and cmake can't be installed"
  fi
  PATH="$(cd "$venv" && pwd)/bin:$PATH"
}

# add_target ARCHITECTURE: the standard library for it.
add_target() {
  local triple=x86_64-unknown-linux-gnu
  [ "$1" = x86_64 ] || triple=aarch64-unknown-linux-gnu
  grep --quiet "^$triple$" <<<"$(rustup target list --installed 2>/dev/null)" && return
  rustup target add "$triple" || skip "the standard library for $triple can't be had"
}

# links_kafka FUNCTION: whether it speaks to brokers, and so needs TLS for it.
links_kafka() {
  local links
  links=$(cargo tree --locked --package "$1" --edges normal --prefix none --format '{p}')
  grep --quiet '^rdkafka v' <<<"$links"
}

# build FUNCTION ARCHITECTURE: each by itself, since functions built together would share their features.
build() {
  local function=$1 flags=(--x86-64) features=()
  [ "$2" = x86_64 ] || flags=(--arm64)
  if links_kafka "$function"; then
    features=(--features weir/kafka-tls --features weir/kinesis)
    # librdkafka's own configure cannot build for another machine; its cmake build can.
    [ "$2" = x86_64 ] || features=(--features weir/kafka-tls-cross --features weir/kinesis)
  fi
  # Each has credentials or keys that may be in a secret.
  features+=(--features weir/secrets)
  [ "$function" != sink ] || features+=(--features sink/s3)
  cargo lambda build --locked --profile lambda --output-format zip --include sql \
    --package "$function" "${flags[@]}" ${features[@]+"${features[@]}"} --lambda-dir "$target/lambda/$2"
  mkdir -p "$out/$2"
  cp "$target/lambda/$2/$function/bootstrap.zip" "$out/$2/$function.zip"
}

# kilobytes FILE
kilobytes() {
  echo $((($(wc -c <"$1") + 1023) / 1024))
}

sizes() {
  printf '\n%-10s %-8s %10s %10s\n' function for "zip KB" "binary KB"
  local zip
  for zip in "$@"; do
    printf '%-10s %-8s %10s %10s\n' "$(basename "$zip" .zip)" "$(basename "$(dirname "$zip")")" \
      "$(kilobytes "$zip")" "$(unpacked "$zip")"
  done
}

# The binary's size, and proof that it and the SQL are in the zip.
unpacked() {
  python3 - "$1" <<'PY'
import sys, zipfile
entries = {entry.filename: entry.file_size for entry in zipfile.ZipFile(sys.argv[1]).infolist()}
if "bootstrap" not in entries or not any(name.startswith("sql/") and name.endswith(".sql") for name in entries):
    sys.exit(f"{sys.argv[1]} lacks bootstrap or sql/: it has {sorted(entries)}")
print((entries["bootstrap"] + 1023) // 1024)
PY
}

find_tools
built=()
for architecture in "${architectures[@]}"; do
  add_target "$architecture"
  for function in "${functions[@]}"; do
    echo "building $function for $architecture"
    build "$function" "$architecture"
    built+=("$out/$architecture/$function.zip")
  done
done
sizes "${built[@]}"
