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

# Measure the engine.
bench *arguments:
    cargo bench --no-default-features {{ arguments }}
