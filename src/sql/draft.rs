//! A draft over a catalog: which of the catalog's statements it needs.

use sqlparser::ast::{Ident, Statement};

use super::{
    known, names,
    statement::{Parsed, Statements},
};

/// Adds the statements of a catalog that those of a draft read, and those that these read, unless the
/// draft has its own of that name.
pub(super) fn add_needed(base: Vec<Parsed>, draft: &mut Statements) {
    let mut left: Vec<Option<Parsed>> = base.into_iter().map(Some).collect();
    let own = |draft: &Statements, name: &str| {
        let parsed = draft.parsed.iter().filter_map(|parsed| created(&parsed.statement));
        parsed
            .map(|ident| ident.value.as_str())
            .chain(draft.broken.iter().map(String::as_str))
            .any(|other| names::same(other, name))
    };
    let mut at = 0;
    while let Some(parsed) = draft.parsed.get(at) {
        at += 1;
        let wanted: Vec<String> =
            reads(&parsed.statement).into_iter().map(|name| name.value.clone()).collect();
        for name in wanted.iter().filter(|name| !own(draft, name)).collect::<Vec<_>>() {
            let is_it = |parsed: &Parsed| {
                created(&parsed.statement).is_some_and(|other| names::same(&other.value, name))
            };
            let found = left.iter_mut().find(|parsed| parsed.as_ref().is_some_and(is_it));
            draft.parsed.extend(found.and_then(Option::take));
        }
    }
}

/// The names of the views that statements create.
pub(super) fn views(statements: &Statements) -> Vec<String> {
    let views =
        statements.parsed.iter().filter(|parsed| matches!(parsed.statement, Statement::CreateView(_)));
    views.filter_map(|parsed| created(&parsed.statement)).map(|name| name.value.clone()).collect()
}

/// The name of what a statement creates.
fn created(statement: &Statement) -> Option<&Ident> {
    match statement {
        Statement::CreateTable(create) => names::single(&create.name),
        Statement::CreateView(create) => names::single(&create.name),
        _ => None,
    }
}

/// The names that a statement reads.
fn reads(statement: &Statement) -> Vec<&Ident> {
    match statement {
        Statement::CreateView(create) => known::names_in(&create.query.body),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::{Catalog, SqlFile};

    const BASE: &str = "CREATE TABLE a (k TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (key = 'k');
        CREATE TABLE b (k TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (key = 'k');
        CREATE VIEW counts AS SELECT k, count(*) AS n FROM a GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
        CREATE VIEW twice AS SELECT k, 2 * n AS m FROM counts;
        CREATE VIEW others AS SELECT k, count(*) AS n FROM b GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);";

    fn file(name: &str, text: &str) -> SqlFile {
        SqlFile { name: name.to_owned(), text: text.to_owned() }
    }

    fn draft(text: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let base = Catalog::parse(&[file("base.sql", BASE)]).unwrap();
        let drafted = base.parse_draft(&file("draft.sql", text)).map_err(|errors| errors.to_string())?;
        let tables = drafted.catalog.tables.into_iter().map(|table| table.name).collect();
        Ok((tables, drafted.catalog.views.into_iter().map(|view| view.name).collect()))
    }

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_draft_brings_what_it_reads_and_nothing_else() {
        let over = "CREATE VIEW mine AS SELECT k, m FROM Twice WHERE m > 3";
        assert_eq!(draft(over), Ok((named(&["a"]), named(&["mine", "twice", "counts"]))));
    }

    #[test]
    fn what_a_draft_defines_anew_goes_before_what_is_there() {
        let anew = "CREATE VIEW counts AS SELECT k, count(*) AS total FROM b GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);";
        assert_eq!(draft(anew), Ok((named(&["b"]), named(&["counts"]))));
        let over = [anew, "CREATE VIEW mine AS SELECT k, n FROM counts;"].concat();
        let error = draft(&over).unwrap_err();
        assert!(error.starts_with("draft.sql:1:") && error.contains("unknown column \"n\""), "{error}");
    }

    #[test]
    fn mistakes_have_their_place_in_the_draft() {
        let error = draft("\nCREATE VIEW mine AS\nSELECT kk FROM counts").unwrap_err();
        assert!(error.starts_with("draft.sql:3:8: unknown column \"kk\""), "{error}");
        assert_eq!(draft("-- nothing yet"), Ok((named(&[]), named(&[]))));
    }
}
