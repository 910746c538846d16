//! Rows to a Parquet file and back, through the format's columns alone: no Arrow.
//!
//! | type | in the file |
//! | --- | --- |
//! | TEXT | `BYTE_ARRAY`, string |
//! | BIGINT | `INT64` |
//! | DOUBLE | `DOUBLE` |
//! | BOOLEAN | `BOOLEAN` |
//! | TIMESTAMP | `INT64`, timestamp of milliseconds, UTC |
//! | JSON, arrays | `BYTE_ARRAY`, string: the JSON's text |
//!
//! Every column may be null, so that files of before and after a view gained one read together. What tells
//! the rows apart stands in the file's metadata. The same rows make the same bytes.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        reader::{FileReader as _, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    record,
    schema::types::Type as Schema,
};

use crate::{
    sql::Field,
    time::Timestamp,
    value::{Type, Value},
};

/// The key of the metadata under which the identity's columns are named, as a JSON array.
const IDENTITY: &str = "weir.identity";

/// The most rows that are packed together: about as many as readers take at once.
const GROUP: usize = 128 << 10;

/// Rows with what they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    /// The columns.
    pub(super) columns: Vec<Field>,
    /// The names of those that tell a row from others.
    pub(super) identity: Vec<String>,
    /// The rows: a value for each column.
    pub(super) rows: Vec<Vec<Value<'static>>>,
}

impl Table {
    /// The file.
    pub(super) fn encode(&self) -> Result<Bytes, ParquetError> {
        let fields = self.columns.iter().map(field).collect::<Result<_, _>>()?;
        let schema = Schema::group_type_builder("rows").with_fields(fields).build()?;
        let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(self.properties()?))?;
        for rows in self.rows.chunks(GROUP) {
            let (mut group, mut column) = (file.next_row_group()?, 0);
            while let Some(mut writer) = group.next_column()? {
                write(writer.untyped(), rows, column)?;
                writer.close()?;
                column += 1;
            }
            group.close()?;
        }
        Ok(file.into_inner()?.into())
    }

    fn properties(&self) -> Result<WriterProperties, ParquetError> {
        let identity = serde_json::Value::from(self.identity.clone()).to_string();
        Ok(WriterProperties::builder()
            .set_created_by(crate::sink::AGENT.to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_key_value_metadata(Some(vec![KeyValue::new(IDENTITY.to_owned(), identity)]))
            .build())
    }

    /// The rows of a file.
    pub(super) fn decode(file: Bytes) -> Result<Self, ParquetError> {
        let reader = SerializedFileReader::new(file)?;
        let metadata = reader.metadata().file_metadata();
        let columns =
            metadata.schema().get_fields().iter().map(|field| column(field)).collect::<Result<_, _>>()?;
        let pairs = metadata.key_value_metadata().into_iter().flatten();
        let identity = pairs.filter(|pair| pair.key == IDENTITY).find_map(|pair| pair.value.as_deref());
        let identity = serde_json::from_str(identity.unwrap_or("[]")).unwrap_or_default();
        let rows = reader.get_row_iter(None)?.map(|row| values(row?)).collect::<Result<_, _>>()?;
        Ok(Self { columns, identity, rows })
    }

    /// The places of the columns of that name, by name.
    pub(super) fn places(&self) -> BTreeMap<&str, usize> {
        self.columns.iter().enumerate().map(|(place, column)| (column.name.as_str(), place)).collect()
    }
}

fn field(column: &Field) -> Result<Arc<Schema>, ParquetError> {
    let (physical, logical) = match column.kind {
        Type::Text | Type::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Type::BigInt => (Physical::INT64, None),
        Type::Double => (Physical::DOUBLE, None),
        Type::Boolean => (Physical::BOOLEAN, None),
        Type::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
    };
    let field = Schema::primitive_type_builder(&column.name, physical);
    field.with_logical_type(logical).with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
}

fn column(field: &Schema) -> Result<Field, ParquetError> {
    let foreign =
        || ParquetError::General(format!("column \"{}\" is of no type that Weir writes", field.name()));
    if !field.is_primitive() {
        return Err(foreign());
    }
    let kind = match (field.get_physical_type(), field.get_basic_info().converted_type()) {
        (Physical::BYTE_ARRAY, ConvertedType::UTF8) => Type::Text,
        (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS) => Type::Timestamp,
        (Physical::INT64, ConvertedType::NONE) => Type::BigInt,
        (Physical::DOUBLE, _) => Type::Double,
        (Physical::BOOLEAN, _) => Type::Boolean,
        _ => return Err(foreign()),
    };
    Ok(Field { name: field.name().to_owned(), kind })
}

/// Writes one column of some rows.
fn write(writer: &mut ColumnWriter<'_>, rows: &[Vec<Value<'_>>], column: usize) -> Result<(), ParquetError> {
    let values = || rows.iter().map(|row| row.get(column).unwrap_or(&Value::Null));
    let there: Vec<i16> = values().map(|value| i16::from(!value.is_null())).collect();
    let there = Some(there.as_slice());
    match writer {
        ColumnWriter::BoolColumnWriter(writer) => {
            let bools =
                values().filter_map(|value| if let Value::Bool(it) = value { Some(*it) } else { None });
            writer.write_batch(&bools.collect::<Vec<_>>(), there, None)
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            let whole = values().filter_map(|value| match value {
                Value::Int(it) | Value::Time(Timestamp(it)) => Some(*it),
                _ => None,
            });
            writer.write_batch(&whole.collect::<Vec<_>>(), there, None)
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            let floats =
                values().filter_map(|value| if let Value::Float(it) = value { Some(*it) } else { None });
            writer.write_batch(&floats.collect::<Vec<_>>(), there, None)
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let texts = values().filter_map(|value| match value {
                Value::Text(it) | Value::Json(it) => Some(ByteArray::from(it.as_bytes().to_vec())),
                _ => None,
            });
            writer.write_batch(&texts.collect::<Vec<_>>(), there, None)
        }
        _ => return Err(ParquetError::General("the schema has a column of another type".to_owned())),
    }?;
    Ok(())
}

fn values(row: record::Row) -> Result<Vec<Value<'static>>, ParquetError> {
    row.into_columns().into_iter().map(|(name, value)| value_of(&name, value)).collect()
}

fn value_of(name: &str, value: record::Field) -> Result<Value<'static>, ParquetError> {
    Ok(match value {
        record::Field::Null => Value::Null,
        record::Field::Bool(it) => Value::Bool(it),
        record::Field::Long(it) => Value::Int(it),
        record::Field::TimestampMillis(it) => Value::Time(Timestamp(it)),
        record::Field::Double(it) => Value::Float(it),
        record::Field::Str(it) => Value::Text(it.into()),
        _ => return Err(ParquetError::General(format!("column \"{name}\" has a value of another type"))),
    })
}
