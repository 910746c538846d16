//! The promise: the documentation leads somewhere. Every link between files of this repository has its
//! file, and the commands that the README names are those that CI runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Cargo runs the tests in the package's folder.
fn root() -> PathBuf {
    PathBuf::from(".")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Markdown files that a reader is led to.
fn pages() -> Vec<PathBuf> {
    let folders = [root(), root().join("docs"), root().join("events")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let pages: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    assert!(pages.len() > 6, "the pages were not found");
    pages
}

/// The targets of `[text](target)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

#[test]
fn every_link_between_files_has_its_file() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in targets(&text).filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap_or_default();
            if !page.parent().expect("a folder").join(file).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn what_the_readme_tells_to_run_is_what_ci_runs() {
    let tests = "cargo test --workspace";
    let has_line = |text: &str, command: &str| text.lines().any(|line| line.contains(command));
    assert!(has_line(&read(&root().join("README.md")), tests));
    assert!(has_line(&read(&root().join(".ci/run")), &format!("step 'tests' {tests}")));
    assert!(has_line(&read(&root().join("justfile")), tests));
}
