//! Measurements out of a stream of text: JSON lines, CSV with a header, or `name value [time] [tag=value…]`. One line is one
//! measurement and a bad one does not spoil the next. Takes constant memory; opens no files and judges no times.

mod csv;
mod draft;
mod json;
mod lines;
mod plain;

use std::io::Read;

use self::csv::Table;
use self::lines::Lines;
use super::Measurement;

/// The forms of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, with the API's field names.
    Json,
    /// Comma separated with a header of the API's field names; a tag is a column `tags.NAME`. A record is one line.
    Csv,
    /// `name value [time] [tag=value…]`, divided by blanks. Empty lines and those that begin with `#` are skipped.
    Plain,
}

/// Why reading ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input gave way.
    #[error("line {line}: {error}")]
    Io {
        /// The line that could not be read.
        line: u64,
        /// What the system says.
        error: std::io::Error,
    },
    /// The header of CSV cannot be used, so no line can.
    #[error("line {line}: {problem}")]
    Header {
        /// The line of the header.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
}

/// One line of the input.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Counted from 1, those that are skipped too.
    pub line: u64,
    /// The measurement, or why the line is none.
    pub measurement: Result<Measurement, String>,
}

/// Reads rows.
pub struct Rows<R> {
    lines: Lines<R>,
    form: Form,
}

/// What the next line is taken to be.
enum Form {
    /// The first line will tell.
    Open,
    /// A header of CSV.
    Header,
    Json,
    Csv(Box<Table>),
    Plain,
}

impl<R: Read> Rows<R> {
    /// Of this format, or of the one that the first line speaks for: a line that begins with `{` for JSON, one that names
    /// the columns `name` and `value` (or `sum`) between commas for CSV, anything else for plain lines.
    pub fn new(input: R, format: Option<Format>) -> Self {
        let form = match format {
            None => Form::Open,
            Some(Format::Json) => Form::Json,
            Some(Format::Csv) => Form::Header,
            Some(Format::Plain) => Form::Plain,
        };
        Self { lines: Lines::new(input), form }
    }

    /// The next row; `None` is the end.
    ///
    /// # Errors
    /// Where the input gives way, or a header cannot be used.
    // No iterator: an error ends the reading, which an iterator of results leaves open.
    pub fn next_row(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            let line = self.lines.number + 1;
            let text = match self.lines.next_line().map_err(|error| ReadError::Io { line, error })? {
                None => return Ok(None),
                Some(Err(problem)) => return Ok(Some(Row { line, measurement: Err(problem) })),
                Some(Ok(text)) => text,
            };
            match self.form.read(text) {
                Ok(None) => {}
                Ok(Some(measurement)) => return Ok(Some(Row { line, measurement })),
                Err(problem) => return Err(ReadError::Header { line, problem }),
            }
        }
    }

    /// Whether the next row may have to be waited for: nothing that was read is left.
    pub fn may_block(&self) -> bool {
        self.lines.is_drained()
    }
}

impl Form {
    /// What a line says, if anything; the error is that of a header.
    fn read(&mut self, text: &str) -> Result<Option<Result<Measurement, String>>, String> {
        let line = text.trim();
        let comment = line.starts_with('#') && matches!(self, Self::Open | Self::Plain);
        if line.is_empty() || comment {
            return Ok(None);
        }
        match self {
            Self::Open if line.starts_with(['{', '[']) => *self = Self::Json,
            Self::Open if !csv::is_header(line) => *self = Self::Plain,
            Self::Open | Self::Header => {
                *self = Self::Csv(Box::new(Table::new(text)?));
                return Ok(None);
            }
            Self::Json | Self::Csv(_) | Self::Plain => {}
        }
        Ok(Some(match self {
            Self::Json => json::read(line),
            Self::Csv(table) => table.read(text),
            Self::Open | Self::Header | Self::Plain => plain::read(line),
        }))
    }
}

#[cfg(test)]
mod tests;
