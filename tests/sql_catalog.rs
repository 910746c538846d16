//! Catalogs of several files: all errors at once, at their places, without echoes.

use std::fs;

use weir::sql::{Catalog, LoadError, SqlFile, Window};

fn file(name: &str, text: &str) -> SqlFile {
    SqlFile { name: name.into(), text: text.into() }
}

#[test]
fn all_errors_of_all_files_are_found_once_and_in_order() {
    let broken = [
        file(
            "a.sql",
            "CREATE VIEW one AS SELECT usr, count(*) AS n, cuont(n) AS m, m + 1 AS o FROM events\n\
             WHERE user = 1 AND kind > 2 GROUP BY user, TUMBLE(ts, INTERVAL '1' SECOND);\n\
             CREATE VIEW two AS SELECT count(*) FROM half GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);\n\
             CREATE VIEW three AS SELECT count(*) FROM lost GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);\n\
             CREATE VIEW four SELECT 1;",
        ),
        file(
            "b.sql",
            "CREATE TABLE events (user TEXT, kind ENUMERATION, ts TIMESTAMP) WITH (topc = 'x');\n\
             CREATE TABLE half (a TEXT, b);\n\
             CREATE TABLE lost (a TEXT);",
        ),
    ];
    let errors = Catalog::parse(&broken).unwrap_err();
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let expected = [
        "a.sql:1:27: unknown column \"usr\"; expected one of user, kind, ts, window_start, window_end, did you mean \"user\"?",
        "a.sql:1:47: unknown function \"cuont\"",
        "a.sql:2:7: cannot compare TEXT with BIGINT",
        "a.sql:5:18: expected AS, found SELECT",
        "b.sql:1:33: unknown type ENUMERATION",
        "b.sql:1:71: unknown option \"topc\"",
        "b.sql:2:29: ",
        "b.sql:3:14: this table has no TIMESTAMP column",
    ];
    assert_eq!(all.len(), expected.len(), "{}", errors.render());
    for (error, expected) in all.iter().zip(expected) {
        assert!(error.starts_with(expected), "expected\n{expected}\nfound\n{error}");
    }
}

#[test]
fn an_error_is_rendered_under_its_line() {
    let errors =
        Catalog::parse(&[file("t.sql", "CREATE TABLE t (\n  k BLOB, ts TIMESTAMP\n);")]).unwrap_err();
    assert_eq!(
        errors.render(),
        "t.sql:2:3: unknown type BLOB; expected TEXT, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or JSON\n\
         \x20 |\n\
         2 |   k BLOB, ts TIMESTAMP\n\
         \x20 |   ^"
    );
}

#[test]
fn a_folder_is_loaded_in_the_order_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let view =
        "CREATE VIEW v AS SELECT k, count(*) AS n FROM t GROUP BY k, SESSION(ts, INTERVAL '1' MINUTE);";
    fs::write(folder.path().join("1_view.sql"), view).unwrap();
    fs::write(folder.path().join("2_table.sql"), "CREATE TABLE t (k TEXT, ts TIMESTAMP);").unwrap();
    fs::write(folder.path().join("notes.txt"), "no SQL").unwrap();
    let catalog = Catalog::load(folder.path()).unwrap();
    assert!(matches!(catalog.view("v").unwrap().window, Window::Session { gap } if gap.0 == 60_000));
    assert_eq!(catalog.warnings().len(), 1);
    assert!(Catalog::load(&folder.path().join("2_table.sql")).unwrap().views.is_empty());
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Catalog::load(folder.path()), Err(LoadError::Empty { .. })));
    let missing = folder.path().join("missing.sql");
    let error = Catalog::load(&missing).unwrap_err();
    assert_eq!(error.to_string(), format!("failed to read {}", missing.display()));
    fs::write(&missing, "CREATE TABLE").unwrap();
    assert!(matches!(Catalog::load(&missing), Err(LoadError::Sql(errors)) if errors.len() == 1));
}
