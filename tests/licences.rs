//! The promise: crates are under licences that `deny.toml` allows, come from crates.io, and none of ours takes any version.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{fs, path::Path, process::Command};

use serde_json::Value as Json;
use spdx::{Expression, Licensee, ParseMode};

/// What crates.io is called in a lock file.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All crates of all features and platforms.
fn packages() -> Vec<Json> {
    let metadata = ["metadata", "--locked", "--all-features", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(metadata).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    let Json::Array(packages) = metadata["packages"].take() else {
        panic!("cargo metadata names no packages")
    };
    packages
}

/// What `cargo deny check` goes by, too.
fn allowed() -> Vec<Licensee> {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let allowed = deny["licenses"]["allow"].as_array().unwrap();
    allowed.iter().map(|licence| Licensee::parse(licence.as_str().unwrap()).unwrap()).collect()
}

/// What is wrong with a crate.
fn complaint(package: &Json, allowed: &[Licensee]) -> Option<String> {
    let licence = package["license"].as_str().unwrap_or_default();
    let expression = Expression::parse_mode(licence, ParseMode::LAX);
    let is_allowed =
        expression.is_ok_and(|all| all.evaluate(|one| allowed.iter().any(|by| by.satisfies(one))));
    if !is_allowed {
        return Some(format!("its licence is {licence:?}"));
    }
    if let Some(source) = package["source"].as_str() {
        return (source != CRATES_IO).then(|| format!("it comes from {source}"));
    }
    let dependencies = package["dependencies"].as_array().unwrap();
    let is_any = |dependency: &&Json| dependency["req"] == "*" && dependency["path"].is_null();
    dependencies.iter().find(is_any).map(|any| format!("it takes any version of {}", any["name"]))
}

#[test]
#[ignore = "fetches the crates of other features and platforms: cargo test --test licences -- --ignored"]
fn what_is_linked_may_be_linked() {
    let (packages, allowed) = (packages(), allowed());
    assert!(packages.len() > 100, "only {} crates", packages.len());
    let complain = |package: &Json| {
        let what = complaint(package, &allowed)?;
        Some(format!("{} {}: {what}", package["name"], package["version"]))
    };
    let complaints: Vec<_> = packages.iter().filter_map(complain).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
