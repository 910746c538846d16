//! Tables of ClickHouse, made from a view's columns.

use super::super::shape::{Column, REVISION, Shape};
use crate::value::Type;

/// A name in backquotes.
pub(in crate::sink) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// The statement that makes the table.
///
/// A batch's token is remembered for the last thousand inserts, as replicated tables do by themselves.
pub(in crate::sink) fn create(shape: &Shape) -> String {
    let columns: Vec<String> =
        shape.columns.iter().map(|column| format!("    {}", definition(column))).collect();
    let identity: Vec<&Column> =
        shape.identity.iter().filter_map(|place| shape.columns.get(*place)).collect();
    let order: Vec<String> = identity.iter().map(|column| quoted(&column.name)).collect();
    let time = shape.time.and_then(|time| shape.columns.get(time)).filter(|column| column.not_null);
    let partition = time.map(|time| format!("PARTITION BY toYYYYMM({})\n", quoted(&time.name)));
    let nullable = shape.identity().any(|column| !column.not_null);
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n)\nENGINE = ReplacingMergeTree({})\n{}ORDER BY ({})\nSETTINGS {}non_replicated_deduplication_window = 1000",
        quoted(&shape.name),
        columns.join(",\n"),
        quoted(REVISION),
        partition.unwrap_or_default(),
        order.join(", "),
        if nullable { "allow_nullable_key = 1, " } else { "" },
    )
}

/// The statement that adds columns.
pub(super) fn add(table: &str, columns: &[&Column]) -> String {
    let columns: Vec<String> =
        columns.iter().map(|column| format!("ADD COLUMN IF NOT EXISTS {}", definition(column))).collect();
    format!("ALTER TABLE {} {}", quoted(table), columns.join(", "))
}

fn definition(column: &Column) -> String {
    let kind = match column.kind {
        // The engine takes no other as the version of a row.
        Type::BigInt if column.name == REVISION => "UInt32",
        Type::Text | Type::Json => "String",
        Type::BigInt => "Int64",
        Type::Double => "Float64",
        Type::Boolean => "Bool",
        Type::Timestamp => "DateTime64(3, 'UTC')",
    };
    let name = quoted(&column.name);
    if column.not_null { format!("{name} {kind}") } else { format!("{name} Nullable({kind})") }
}
