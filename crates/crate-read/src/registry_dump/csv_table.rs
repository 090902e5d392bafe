//! One PostgreSQL CSV table on its way past: quoted fields, doubled quotes, newlines inside values.
//!
//! `csv-core` knows the quoting; this file finds the columns by their header, keeps only those that are
//! read, lets the others (readmes of megabytes) pass without a copy, and bounds what it keeps.

use std::io::Read;

use csv_core::ReadFieldResult;

use super::DumpError;
use super::row::Table;

/// Bytes read from the archive at once.
const BUFFER: usize = 64 * 1024;
/// Most columns of a table.
const COLUMNS_LIMIT: usize = 256;

/// A table, read row by row. One row's wanted values are held, nothing else.
pub(super) struct CsvTable<'r, R> {
    input: &'r mut R,
    parser: csv_core::Reader,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    table: &'static Table,
    /// Position in the file to slot in [`Self::values`].
    slots: Vec<Option<usize>>,
    values: Vec<Vec<u8>>,
    present: Vec<bool>,
    row: u64,
    field_limit: usize,
}

/// The values of one row, in the order of the table's columns.
pub(super) struct Record<'a> {
    values: &'a [Vec<u8>],
    present: &'a [bool],
    table: &'static Table,
    row: u64,
}

impl Record<'_> {
    /// Row after the header, from 1.
    pub(super) fn number(&self) -> u64 {
        self.row
    }

    /// The value of a column; `None` where it is null, or where the dump has no such column.
    pub(super) fn text(&self, column: &str) -> Result<Option<&str>, String> {
        let slot = self.slot(column);
        if !self.present[slot] || self.values[slot].is_empty() {
            return Ok(None);
        }
        match std::str::from_utf8(&self.values[slot]) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(format!("`{column}` is not UTF-8")),
        }
    }

    /// Whether the dump has this column at all.
    pub(super) fn has(&self, column: &str) -> bool {
        self.present[self.slot(column)]
    }

    fn slot(&self, column: &str) -> usize {
        self.table
            .columns
            .iter()
            .position(|(name, _)| *name == column)
            .expect("parsers ask for columns of their own table")
    }
}

impl<'r, R: Read> CsvTable<'r, R> {
    /// Reads the header and finds the columns.
    pub(super) fn open(
        input: &'r mut R,
        table: &'static Table,
        field_limit: usize,
    ) -> Result<Self, DumpError> {
        let mut csv = Self {
            input,
            parser: csv_core::Reader::new(),
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            table,
            slots: Vec::new(),
            values: vec![Vec::new(); table.columns.len()],
            present: vec![false; table.columns.len()],
            row: 0,
            field_limit,
        };
        csv.read_header()?;
        Ok(csv)
    }

    fn read_header(&mut self) -> Result<(), DumpError> {
        let mut name = Vec::new();
        loop {
            name.clear();
            let Some(last) = self.field(Some(&mut name))? else { break };
            let slot = self.table.columns.iter().position(|(column, _)| column.as_bytes() == name);
            if let Some(slot) = slot {
                if self.present[slot] {
                    return Err(self.wrong("a column stands in the header twice"));
                }
                self.present[slot] = true;
            }
            self.slots.push(slot);
            if self.slots.len() > COLUMNS_LIMIT {
                return Err(self.wrong("the header has too many columns"));
            }
            if last {
                break;
            }
        }
        for (slot, &(column, required)) in self.table.columns.iter().enumerate() {
            if required && !self.present[slot] {
                return Err(DumpError::MissingColumn { table: self.table.path, column });
            }
        }
        Ok(())
    }

    /// The next row; `None` after the last.
    pub(super) fn next_record(&mut self) -> Result<Option<Record<'_>>, DumpError> {
        self.row += 1;
        let mut values = std::mem::take(&mut self.values);
        values.iter_mut().for_each(Vec::clear);
        let mut position = 0;
        loop {
            let slot = self.slots.get(position).copied().flatten();
            let Some(last) = self.field(slot.map(|slot| &mut values[slot]))? else {
                self.values = values;
                return if position == 0 {
                    Ok(None)
                } else {
                    Err(self.wrong("the table ends within a row"))
                };
            };
            position += 1;
            if last {
                break;
            }
            if position >= self.slots.len() {
                return Err(self.wrong("more values than columns"));
            }
        }
        self.values = values;
        if position != self.slots.len() {
            return Err(self.wrong("fewer values than columns"));
        }
        Ok(Some(Record {
            values: &self.values,
            present: &self.present,
            table: self.table,
            row: self.row,
        }))
    }

    /// Reads one value into `into`, or past it. Says whether it was the row's last; `None` at the end.
    fn field(&mut self, mut into: Option<&mut Vec<u8>>) -> Result<Option<bool>, DumpError> {
        let mut chunk = [0_u8; 1024];
        loop {
            if self.start == self.end {
                (self.start, self.end) = (0, self.input.read(&mut self.buffer)?);
            }
            let (result, read, written) =
                self.parser.read_field(&self.buffer[self.start..self.end], &mut chunk);
            self.start += read;
            if let Some(value) = into.as_deref_mut() {
                if value.len() + written > self.field_limit {
                    return Err(self.wrong("a value is longer than any honest one"));
                }
                value.extend_from_slice(&chunk[..written]);
            }
            match result {
                ReadFieldResult::Field { record_end } => return Ok(Some(record_end)),
                ReadFieldResult::End => return Ok(None),
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            }
        }
    }

    fn wrong(&self, what: &str) -> DumpError {
        DumpError::Row { table: self.table.path, row: self.row, what: what.to_owned() }
    }
}
