//! Catalogs of one text.

use weir::sql::{Catalog, SqlFile};

/// A catalog of one text.
pub(crate) fn catalog(sql: &str) -> Catalog {
    Catalog::parse(&[SqlFile { name: "test.sql".into(), text: sql.into() }]).unwrap()
}
