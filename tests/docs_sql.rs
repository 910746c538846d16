//! The promise: what the documentation says of SQL is so. Every block of SQL in README.md and docs/sql.md
//! compiles on top of those before it, or fails with the text of its first comment; every expression in
//! a table has the value that stands beside it.

use std::fs;

use weir::{
    sql::{Catalog, SqlFile},
    value::Value,
};

const PAGES: [&str; 2] = ["README.md", "docs/sql.md"];

/// A fenced block of SQL.
struct Block {
    /// The page and the line that it begins behind.
    place: String,
    fails: bool,
    text: String,
}

fn read(page: &str) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{page}: {error}"))
}

fn blocks(page: &str) -> Vec<Block> {
    let text = read(page);
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (number, line) in text.lines().enumerate() {
        match line {
            "```sql" | "```sql,fails" if !is_open => {
                let place = format!("{page}:{}", number + 1);
                blocks.push(Block { place, fails: line.ends_with("fails"), text: String::new() });
                is_open = true;
            }
            "```" => is_open = false,
            _ if is_open => {
                let block = blocks.last_mut().expect("an open block");
                block.text.push_str(line);
                block.text.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

#[test]
fn every_block_compiles_or_fails_as_it_says() {
    for page in PAGES {
        let blocks = blocks(page);
        assert!(!blocks.is_empty(), "{page} shows no SQL");
        let mut files: Vec<SqlFile> = Vec::new();
        for Block { place, fails, text } in blocks {
            files.push(SqlFile { name: place.clone(), text: text.clone() });
            match Catalog::parse(&files) {
                Ok(_) => assert!(!fails, "{place} compiles, and says that it fails"),
                Err(errors) if fails => {
                    let expected =
                        text.lines().next().and_then(|line| line.strip_prefix("-- ")).expect("a comment");
                    let found = errors.to_string();
                    assert!(found.contains(expected), "{place}: expected\n{expected}\nfound\n{found}");
                    files.pop();
                }
                Err(errors) => panic!("{}", errors.render()),
            }
        }
    }
}

/// The cells of the tables whose head is "expression, value", with their places.
fn evaluations(page: &str) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    let mut is_table = false;
    for (number, line) in read(page).lines().enumerate() {
        if line == "| expression | value |" {
            is_table = true;
        } else if !line.starts_with('|') {
            is_table = false;
        } else if is_table && !line.starts_with("| ---") {
            let cells = line.strip_prefix("| `").and_then(|rest| rest.strip_suffix("` |"));
            let (expression, value) = cells.and_then(|cells| cells.split_once("` | `")).expect("two cells");
            rows.push((format!("{page}:{}", number + 1), expression.replace("\\|", "|"), value.to_owned()));
        }
    }
    rows
}

fn evaluate(place: &str, expression: &str) -> Value<'static> {
    let text = format!(
        "CREATE TABLE t (ts TIMESTAMP);\n\
         CREATE VIEW v AS SELECT count({expression}) AS n FROM t GROUP BY TUMBLE(ts, INTERVAL '1' SECOND)"
    );
    let catalog = Catalog::parse(&[SqlFile { name: place.into(), text }]);
    let catalog = catalog.unwrap_or_else(|errors| panic!("{place}: {errors}"));
    let input = catalog.views.first().and_then(|view| view.sources.first()?.inputs.first());
    let argument = input.and_then(|input| input.argument.as_ref()).expect("an argument");
    argument.eval(&[]).into_owned()
}

#[test]
fn every_expression_has_the_value_beside_it() {
    let mut differences = Vec::new();
    let evaluations: Vec<_> = PAGES.into_iter().flat_map(evaluations).collect();
    assert!(evaluations.len() > 50, "the tables were not found");
    for (place, expression, expected) in evaluations {
        let found = evaluate(&place, &expression).to_json().to_string();
        if found != expected {
            differences.push(format!("{place}: {expression} is {found}, not {expected}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
