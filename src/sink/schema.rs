//! What tells a reader of the tables: the statements that define them there.
//!
//! For files there are two for each view: all rows that were ever given (`ctr_revisions`), and those in force,
//! one for each identity (`ctr`). ClickHouse gets what the sink itself runs.

use super::{
    ShapeError, Target,
    clickhouse::create,
    lake::folder_of,
    shape::{Column, OFFSET, PARTITION, REVISION, Shape},
    target::Place,
};
use crate::{sql::Catalog, value::Type};

/// Who is to read the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Amazon Athena, and Trino with the Hive connector.
    Athena,
    /// ClickHouse.
    ClickHouse,
    /// DuckDB.
    DuckDb,
}

/// A statement for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The view whose rows it makes known.
    pub view: String,
    /// It, with a semicolon and a line's end.
    pub sql: String,
}

/// No such reader is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected athena, clickhouse or duckdb")]
pub struct UnknownReader;

impl std::str::FromStr for Reader {
    type Err = UnknownReader;

    fn from_str(name: &str) -> Result<Self, UnknownReader> {
        match name {
            "athena" => Ok(Self::Athena),
            "clickhouse" => Ok(Self::ClickHouse),
            "duckdb" => Ok(Self::DuckDb),
            _ => Err(UnknownReader),
        }
    }
}

/// The statements for a reader, of the views that are published and of all alerts. `target` is where the files
/// are.
pub fn schema(catalog: &Catalog, reader: Reader, target: &Target) -> Result<Vec<Statement>, ShapeError> {
    let root = root(target);
    let is_published =
        |shape: &Shape| catalog.view(&shape.name).is_none_or(|view| view.options.topic.is_some());
    let shapes = Shape::all(catalog)?.into_iter().filter(is_published);
    let statements = shapes.flat_map(|shape| {
        let sql = match reader {
            Reader::Athena => vec![athena_table(&shape, &root), in_force(&shape, athena)],
            Reader::ClickHouse => vec![create(&shape)],
            Reader::DuckDb => vec![duckdb_revisions(&shape, &root), in_force(&shape, duckdb)],
        };
        sql.into_iter().map(move |sql| Statement { view: shape.name.clone(), sql: sql + ";\n" })
    });
    Ok(statements.collect())
}

/// The target as the start of a path, with `/` at its end.
fn root(target: &Target) -> String {
    match &target.0 {
        Place::Folder(path) => format!("{}/", path.display()),
        Place::Bucket(bucket) => format!("s3://{}/{}", bucket.name, bucket.prefix),
        Place::ClickHouse(_) => String::new(),
    }
}

/// The name of the table of all rows.
fn revisions(shape: &Shape) -> String {
    format!("{}_revisions", shape.name)
}

/// A name as DuckDB and the views of Athena have it.
fn duckdb(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn athena(name: &str) -> String {
    duckdb(&name.to_lowercase())
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The rows in force: of each identity that of the highest revision, of two of the same the later one.
fn in_force(shape: &Shape, quoted: fn(&str) -> String) -> String {
    let from = quoted(&revisions(shape));
    let list = |names: &mut dyn Iterator<Item = String>| {
        names.map(|name| quoted(&name)).collect::<Vec<_>>().join(", ")
    };
    let columns = list(&mut shape.columns.iter().map(Column::name_in_files).chain(["date".to_owned()]));
    let identity = list(&mut shape.identity().map(Column::name_in_files));
    let newest = [REVISION, PARTITION, OFFSET].map(|name| quoted(name) + " DESC").join(", ");
    format!(
        "CREATE OR REPLACE VIEW {} AS\nSELECT {columns}\nFROM (\n  SELECT *, row_number() OVER (PARTITION BY {identity} ORDER BY {newest}) AS weir_rank\n  FROM {from}\n) AS ranked\nWHERE weir_rank = 1",
        quoted(&shape.name)
    )
}

fn duckdb_revisions(shape: &Shape, root: &str) -> String {
    let path = text(&format!("{root}{}*/*.parquet", folder_of(&shape.name)));
    format!(
        "CREATE OR REPLACE VIEW {} AS\nSELECT * FROM read_parquet({path}, hive_partitioning = true, hive_types = {{'date': DATE}}, union_by_name = true)",
        duckdb(&revisions(shape))
    )
}

/// The table, whose dates are found by rule instead of by a catalog that somebody would have to keep.
fn athena_table(shape: &Shape, root: &str) -> String {
    let columns: Vec<String> = shape.columns.iter().map(athena_column).collect();
    let place = format!("{root}{}", folder_of(&shape.name));
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `{}` (\n{}\n)\nPARTITIONED BY (`date` date)\nSTORED AS PARQUET\nLOCATION {}\nTBLPROPERTIES (\n  'projection.enabled' = 'true',\n  'projection.date.type' = 'date',\n  'projection.date.format' = 'yyyy-MM-dd',\n  'projection.date.range' = '2020-01-01,NOW+1DAYS',\n  'storage.location.template' = {}\n)",
        revisions(shape).to_lowercase(),
        columns.join(",\n"),
        text(&place),
        text(&format!("{place}date=${{date}}/")),
    )
}

fn athena_column(column: &Column) -> String {
    let kind = match column.kind {
        Type::Text | Type::Json => "string",
        Type::BigInt => "bigint",
        Type::Double => "double",
        Type::Boolean => "boolean",
        Type::Timestamp => "timestamp",
    };
    format!("  `{}` {kind}", column.name_in_files().to_lowercase().replace('`', "``"))
}
