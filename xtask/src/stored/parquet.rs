//! A flat table as a Parquet file, each column with the type its values share.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use serde_json::Value;

use super::flat::{Column, Flat};

/// Rows that are held in memory at once, and that readers can skip together.
const GROUP: usize = 50_000;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Integer,
    Number,
    Text,
}

/// Writes the table. A column is of booleans, 64-bit integers or doubles where all
/// its values are, else of text; what a trial lacks is null.
///
/// # Errors
/// The file cannot be written.
pub fn write(flat: &Flat, out: impl Write + Send) -> anyhow::Result<()> {
    write_groups(flat, out).context("the Parquet file cannot be written")
}

fn write_groups(flat: &Flat, out: impl Write + Send) -> Result<()> {
    let kinds: Vec<Kind> = flat.columns().iter().map(|c| kind(flat, c)).collect();
    let fields = flat.columns().iter().zip(&kinds);
    let fields = fields
        .map(|(column, kind)| Ok(Arc::new(typed(&column.name(), *kind)?)))
        .collect::<Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("trial")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("ablate ", env!("CARGO_PKG_VERSION")).to_string())
        .build();
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for first in (0..flat.len()).step_by(GROUP) {
        let rows = first..(first + GROUP).min(flat.len());
        let mut group = file.next_row_group()?;
        for (column, kind) in flat.columns().iter().zip(&kinds) {
            let cells: Vec<Value> = rows.clone().map(|row| flat.cell(row, column)).collect();
            if let Some(mut writer) = group.next_column()? {
                fill(&mut writer, *kind, &cells)?;
                writer.close()?;
            }
        }
        group.close()?;
    }
    file.close().map(|_| ())
}

/// The type that all values of a column have.
fn kind(flat: &Flat, column: &Column) -> Kind {
    let mut all = None;
    for row in 0..flat.len() {
        let kind = match flat.cell(row, column) {
            Value::Null => continue,
            Value::Bool(_) => Kind::Bool,
            Value::Number(number) if number.is_i64() => Kind::Integer,
            // What is no i64 but an integer is above its range.
            Value::Number(_) => Kind::Number,
            _ => Kind::Text,
        };
        all = match (all, kind) {
            (None, kind) => Some(kind),
            (Some(one), other) if one == other => Some(one),
            (Some(Kind::Integer | Kind::Number), Kind::Integer | Kind::Number) => {
                Some(Kind::Number)
            }
            _ => return Kind::Text,
        };
    }
    all.unwrap_or(Kind::Text)
}

fn typed(name: &str, kind: Kind) -> Result<Type> {
    let (physical, logical) = match kind {
        Kind::Bool => (Physical::BOOLEAN, None),
        Kind::Integer => (Physical::INT64, None),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

fn fill(writer: &mut SerializedColumnWriter, kind: Kind, cells: &[Value]) -> Result<()> {
    match kind {
        Kind::Bool => values::<BoolType>(writer, cells, Value::as_bool),
        Kind::Integer => values::<Int64Type>(writer, cells, Value::as_i64),
        Kind::Number => values::<DoubleType>(writer, cells, Value::as_f64),
        Kind::Text => values::<ByteArrayType>(writer, cells, |value| match value {
            Value::Null => None,
            Value::String(text) => Some(ByteArray::from(text.as_str())),
            other => Some(ByteArray::from(other.to_string().into_bytes())),
        }),
    }
}

/// The cells that have a value, and for each cell whether it is one of them.
fn values<T: DataType>(
    writer: &mut SerializedColumnWriter,
    cells: &[Value],
    value: impl Fn(&Value) -> Option<T::T>,
) -> Result<()> {
    let read: Vec<Option<T::T>> = cells.iter().map(value).collect();
    let present: Vec<i16> = read
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<T::T> = read.into_iter().flatten().collect();
    let written = writer
        .typed::<T>()
        .write_batch(&values, Some(&present), None)?;
    debug_assert_eq!(written, values.len());
    Ok(())
}
