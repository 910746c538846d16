#!/usr/bin/env bash
# Opens the dashboard and the SQL page in a real, headless Chromium, over a `weir up` of their own: they load
# without an error, show the numbers that the API gives, go on by themselves, outlive the API, fit a phone,
# and are clean by axe-core. scripts/browser_test.py is what is looked at.
#
#   scripts/browser-test.sh [--screens]
#
# --screens renews the pictures in docs/screens, which needs some minutes of events. Needs Chromium with its driver
# (installed with apt where that may be) and Python; skips, with the reason, without.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
tools="$target/browser"

skip() {
  echo "skipped: $1"
  exit 0
}

find_browser() {
  command -v chromium >/dev/null && command -v chromedriver >/dev/null && return
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || skip "there is no chromium with chromedriver"
  echo "installing chromium and its driver"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium chromium-driver; } \
    >"$tools/apt.log" 2>&1 || skip "chromium can't be installed"
}

find_selenium() {
  command -v python3 >/dev/null || skip "there is no python3"
  [ -x "$tools/venv/bin/python" ] && "$tools/venv/bin/python" -c 'import selenium' 2>/dev/null && return
  echo "installing selenium into $tools/venv"
  { python3 -m venv "$tools/venv" && "$tools/venv/bin/pip" install --quiet 'selenium>=4.20,<5'; } \
    || skip "selenium can't be installed"
}

# What looks after accessibility; the rest is tested without it.
find_axe() {
  [ -f "$tools/package/axe.min.js" ] && return
  command -v npm >/dev/null || return 0
  (cd "$tools" && npm pack --silent axe-core@4 >/dev/null && tar -xzf axe-core-4*.tgz package/axe.min.js) || true
}

mkdir -p "$tools"
find_browser
find_selenium
find_axe
cargo build --locked --package weir
exec "$tools/venv/bin/python" scripts/browser_test.py --weir "$target/debug/weir" --tools "$tools" "$@"
