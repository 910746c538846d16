//! The SQL front end on files: `tests/sql/ok` hold what is accepted, with the described plans beside
//! them; the first line of each file in `tests/sql/bad` is `-- fail: <text>`, which one of its errors
//! must have.
//!
//! `WEIR_BLESS=1 cargo test --test sql_golden` writes the plans anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use weir::sql::{Catalog, SqlFile};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/sql").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of SQL")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(path: &Path) -> SqlFile {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    SqlFile { name, text: fs::read_to_string(path).expect("SQL") }
}

#[test]
fn good_sql_gives_the_described_plans() {
    let mut differences = Vec::new();
    for path in files("ok") {
        let catalog =
            Catalog::parse(&[read(&path)]).unwrap_or_else(|errors| panic!("\n{}\n", errors.render()));
        let plans: Vec<String> = catalog.views.iter().map(|view| view.describe(&catalog)).collect();
        let warnings = catalog.warnings().into_iter().map(|warning| format!("warning: {warning}\n"));
        let described: String = plans.into_iter().chain(warnings).collect::<Vec<_>>().join("\n");
        let golden = path.with_extension("plan");
        if std::env::var_os("WEIR_BLESS").is_some() {
            fs::write(&golden, &described).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if described != expected {
            differences
                .push(format!("{}:\n--- expected\n{expected}\n--- found\n{described}", golden.display()));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn bad_sql_gives_the_named_error_at_a_place() {
    let mut failures = Vec::new();
    for path in files("bad") {
        let file = read(&path);
        let expected =
            file.text.lines().next().and_then(|line| line.strip_prefix("-- fail: ")).unwrap().trim();
        let Err(errors) = Catalog::parse(std::slice::from_ref(&file)) else {
            panic!("{} is accepted; expected {expected}", file.name)
        };
        if !errors.iter().any(|error| error.to_string().contains(expected)) {
            failures.push(format!("{}: expected\n{expected}\nfound\n{}", file.name, errors.render()));
        }
        for error in errors.iter() {
            let line = file.text.lines().nth(error.line - 1).unwrap_or_default();
            assert!(error.column <= line.chars().count() + 1, "{}: {error}", file.name);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn the_pipelines_of_this_repository_are_sound() {
    let folder = Path::new("sql");
    let catalog = Catalog::load(folder).unwrap_or_else(|error| panic!("{error}"));
    assert!(catalog.view("ctr").is_some());
    assert_eq!(catalog.warnings(), Vec::<String>::new());
}

const REPLACEMENTS: [&str; 12] =
    ["", "(", ")", ", ", "NULL ", "'x' ", "zzz ", "-1 ", "* ", "SELECT ", "\"", "ts "];

/// Every word of the good files taken out, or replaced by something that fits ill: whatever that
/// makes of them, it is an answer, and every error stands at a place in the file.
#[test]
fn damaged_sql_is_answered() {
    for path in files("ok") {
        let original = read(&path).text;
        let words: Vec<&str> = original.split_inclusive([' ', '\n', '(', ')', ',']).collect();
        for index in 0..words.len() {
            // A third of all pairs, each replacement as often as the others.
            for instead in REPLACEMENTS.iter().skip(index % 3).step_by(3) {
                let mut damaged = words.clone();
                damaged[index] = instead;
                let file = SqlFile { name: "damaged.sql".into(), text: damaged.concat() };
                let lines: Vec<&str> = file.text.lines().collect();
                let Err(errors) = Catalog::parse(std::slice::from_ref(&file)) else { continue };
                assert!(!errors.is_empty());
                for error in errors.iter() {
                    let line = lines.get(error.line - 1).unwrap_or_else(|| panic!("{error}"));
                    assert!(error.column <= line.chars().count() + 1, "{error}");
                    assert!(error.render().contains('^'));
                }
            }
        }
    }
}
