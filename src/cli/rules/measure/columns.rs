//! The column `line` of a Parquet file, as engines write it. Files come from whoever made the census, not
//! from an audited tree; the reader takes memory for one page at a time.

use std::fs::File;
use std::sync::Arc;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use parquet::schema::types::Type;

use super::lines::Take;

/// The column with what `facts --stdin` printed.
const COLUMN: &str = "line";
/// Rows that are held at a time.
const ROWS: usize = 64;

/// Gives every row to `take`.
pub fn each(file: File, take: &mut Take<'_>) -> Result<(), String> {
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema();
    let wanted = schema.get_fields().iter().find(|field| field.name() == COLUMN);
    let wanted = wanted.ok_or_else(|| format!("there is no column `{COLUMN}`"))?;
    let only = Type::group_type_builder(schema.name()).with_fields(vec![Arc::clone(wanted)]);
    let only = only.build().map_err(|error| error.to_string())?;
    let rows = reader.get_row_iter(Some(only)).map_err(|error| error.to_string())?;
    for (number, row) in rows.with_batch_size(ROWS).enumerate() {
        let row = row.map_err(|error| error.to_string())?;
        let told = row.get_string(0).map_err(|error| error.to_string());
        told.and_then(|line| take(line.as_bytes()))
            .map_err(|why| format!("row {}: {why}", number + 1))?;
    }
    Ok(())
}
