//! Measurements as comma separated records under a header of the API's field names. A record is one line, so that a quote
//! that is never closed costs one measurement and not all that follow.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::draft::{Draft, Number, Text, Time, shown};
use crate::measure::{Measurement, MetricType};

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    Name,
    Value,
    Time,
    Source,
    Type,
    Count,
    Sum,
    Min,
    Max,
    SumSquares,
    Last,
    StdDev,
    Period,
    DisplayName,
    Description,
    Tag(String),
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "value" => Self::Value,
            "measure_time" | "time" => Self::Time,
            "source" => Self::Source,
            "type" => Self::Type,
            "count" => Self::Count,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum_squares" => Self::SumSquares,
            "last" => Self::Last,
            "stddev" => Self::StdDev,
            "period" => Self::Period,
            "display_name" => Self::DisplayName,
            "description" => Self::Description,
            _ => Self::Tag(name.strip_prefix("tags.").filter(|tag| !tag.is_empty())?.to_owned()),
        })
    }
}

/// Whether a first line is a header rather than a measurement.
pub(super) fn is_header(line: &str) -> bool {
    let names: Vec<&str> = line.split(',').map(|name| name.trim().trim_matches('"')).collect();
    names.len() > 1 && names.contains(&"name") && (names.contains(&"value") || names.contains(&"sum"))
}

/// The columns of a header, and room for one record.
pub(super) struct Table {
    columns: Vec<Column>,
    reader: Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl Table {
    /// Reads a header.
    pub fn new(header: &str) -> Result<Self, String> {
        // A carriage return inside a line ends nothing.
        let reader = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
        let mut table = Self { columns: Vec::new(), reader, fields: Vec::new(), ends: vec![0; 64] };
        let count = table.split(header)?;
        for index in 0..count {
            let name = table.field(index)?.trim();
            let column = Column::named(name).ok_or_else(|| {
                format!("`{}` is not a field of a measurement; a tag is written tags.NAME", shown(name))
            })?;
            if table.columns.contains(&column) {
                return Err(format!("there are two columns for `{}`", shown(name)));
            }
            table.columns.push(column);
        }
        match table.columns.contains(&Column::Name) {
            true => Ok(table),
            false => Err("the header of CSV has no column `name`".to_owned()),
        }
    }

    /// Reads a record. An empty field says nothing.
    pub fn read(&mut self, line: &str) -> Result<Measurement, String> {
        let (count, expected) = (self.split(line)?, self.columns.len());
        if count != expected {
            return Err(format!("there are {count} fields, and the header has {expected}"));
        }
        let mut draft = Draft::default();
        for (index, column) in self.columns.iter().enumerate() {
            let field = self.field(index)?.trim();
            if !field.is_empty() {
                fill(&mut draft, column, field)?;
            }
        }
        draft.finish()
    }

    /// Takes a line apart; how many fields it has.
    fn split(&mut self, line: &str) -> Result<usize, String> {
        self.reader.reset();
        // Fields are never longer than what they are written as.
        self.fields.resize(line.len() + 1, 0);
        let (mut input, mut written, mut ended, mut line_ended) = (line.as_bytes(), 0, 0, false);
        loop {
            let (result, read, wrote, fields) =
                self.reader.read_record(input, &mut self.fields[written..], &mut self.ends[ended..]);
            input = &input[read..];
            (written, ended) = (written + wrote, ended + fields);
            match result {
                // Inside quotes the end of a line ends nothing.
                ReadRecordResult::InputEmpty if line_ended => {
                    return Err("a quote is not closed on this line".to_owned());
                }
                ReadRecordResult::InputEmpty => (input, line_ended) = (b"\n", true),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => return Ok(ended),
            }
        }
    }

    fn field(&self, index: usize) -> Result<&str, String> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Cut out of UTF-8 at quotes and commas, so it is UTF-8.
        let bytes = &self.fields[start..self.ends[index]];
        std::str::from_utf8(bytes).map_err(|_| format!("field {} is not UTF-8", index + 1))
    }
}

fn fill(draft: &mut Draft, column: &Column, field: &str) -> Result<(), String> {
    let text = || Some(field.to_owned());
    let number = || Number::parse(field).map(Some);
    let whole = || match field.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("`{}` is not a whole number", shown(field))),
    };
    match column {
        Column::Name => draft.name = text(),
        Column::Value => draft.value = number()?,
        Column::Time => draft.measure_time = Some(Time::parse(field)?),
        Column::Source => draft.source = text(),
        Column::Type => {
            draft.metric_type = Some(match field {
                "gauge" => MetricType::Gauge,
                "counter" => MetricType::Counter,
                _ => return Err(format!("`{}` is not a type: write gauge or counter", shown(field))),
            });
        }
        Column::Count => draft.count = whole()?,
        Column::Sum => draft.sum = number()?,
        Column::Min => draft.min = number()?,
        Column::Max => draft.max = number()?,
        Column::SumSquares => draft.sum_squares = number()?,
        Column::Last => draft.last = number()?,
        Column::StdDev => draft.stddev = number()?,
        Column::Period => draft.period = whole()?,
        Column::DisplayName => draft.display_name = text(),
        Column::Description => draft.description = text(),
        Column::Tag(name) => {
            draft.tags.get_or_insert_default().insert(name.clone(), Text(field.to_owned()));
        }
    }
    Ok(())
}
