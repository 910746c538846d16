#!/usr/bin/env bash
# Takes away what up.sh made: the containers, their volumes, and what Terraform remembers of LocalStack.
set -euo pipefail
cd "$(dirname "$0")"

docker compose --profile grafana --profile prometheus --profile clickhouse down --volumes --remove-orphans
rm -rf .run ../infra/localstack/terraform.tfstate ../infra/localstack/terraform.tfstate.backup
