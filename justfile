# What is typed daily. `just` lists the recipes.

_default:
    @just --list --unsorted

# Start everything on this machine: broker, DynamoDB, functions, simulator, API.
run *arguments:
    cargo run --release -- {{ arguments }}

# Run the tests.
test *arguments:
    cargo test --workspace {{ arguments }}

# Check everything that has to hold before a change is merged.
ci:
    .ci/run

# Measure the speed: CPU seconds for a million events.
bench *arguments:
    cargo bench --no-default-features --features mimalloc --bench jobs {{ arguments }}

# Measure the API of `weir up` on one core: requests a second, latencies.
api-load *arguments:
    scripts/api-load.sh {{ arguments }}

# Measure cold starts of the zips of scripts/zips.sh: until a function asks for work, and until its first answer.
cold-start *arguments:
    scripts/cold-start.py {{ arguments }}

# Run the functions under cargo-lambda, over a stack of their own.
lambda-local:
    scripts/lambda-local.sh

# Run the whole end to end, on Apache Kafka (or --source kinesis) and ministack, through faults.
end-to-end *arguments:
    scripts/end-to-end.sh {{ arguments }}

# Write rows to Parquet and ClickHouse's engine, and read them back with DuckDB and SQL.
sinks:
    scripts/sinks.sh

# Log in to Apache Kafka in every way: certificates, passwords, tokens as MSK takes them.
kafka-auth:
    scripts/kafka-auth.sh

# Build the functions' zips for Lambda, to dist/.
zips *arguments:
    scripts/zips.sh {{ arguments }}

# Check the Terraform of infra/ and what is in localstack/.
terraform:
    scripts/terraform.sh

# Open the pages in a headless browser, and look at them. --screens renews the pictures in docs/screens.
browser-test *arguments:
    scripts/browser-test.sh {{ arguments }}
