//! Tables for spreadsheets: CSV after RFC 4180. Text of others is no formula there. Pure.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// A table of rows, the first of which names the columns.
#[derive(Default, PartialEq)]
pub struct Csv(String);

impl Csv {
    /// Adds a row. Numbers are to be written as they are, texts by [`text`].
    pub fn row(&mut self, cells: &[String]) {
        self.0.push_str(&cells.join(","));
        self.0.push_str("\r\n");
    }

    /// As a file to be kept under this name.
    pub fn file(self, name: &str) -> Response {
        let name = file_name(name);
        let mut response = self.0.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\"")).ok();
        headers.extend(disposition.map(|disposition| (header::CONTENT_DISPOSITION, disposition)));
        response
    }
}

/// What a file may be called that is about something of this name.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    name.chars().map(plain).take(100).collect()
}

/// A text as a cell: in quotes, and with an apostrophe before what a spreadsheet would work out.
pub fn text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_formula() {
        for (given, cell) in [
            ("a", "\"a\""),
            ("a,\"b\"\n", "\"a,\"\"b\"\"\n\""),
            ("=1+1", "\"'=1+1\""),
            ("-2", "\"'-2\""),
            ("@x", "\"'@x\""),
            ("+x", "\"'+x\""),
            ("\t=x", "\"'\t=x\""),
        ] {
            assert_eq!(text(given), cell);
        }
        let mut table = Csv::default();
        table.row(&[text("a"), "1.5".to_owned()]);
        let response = table.file("a/\r\n\"b");
        assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"a----b.csv\"");
    }
}
