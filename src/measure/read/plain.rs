//! A measurement as `name value [time] [tag=value…]`.

use super::draft::{Draft, Number, Text, Time, shown};
use crate::measure::Measurement;

pub(super) fn read(line: &str) -> Result<Measurement, String> {
    let mut words = line.split_whitespace();
    let mut draft = Draft { name: words.next().map(str::to_owned), ..Draft::default() };
    draft.value = Some(Number::parse(words.next().ok_or_else(|| no_value(line))?)?);
    for (index, word) in words.enumerate() {
        match word.split_once('=') {
            Some(("", _)) => return Err(format!("`{}` names no tag", shown(word))),
            Some((name, value)) => {
                let tags = draft.tags.get_or_insert_default();
                if tags.insert(name.to_owned(), Text(value.to_owned())).is_some() {
                    return Err(format!("the tag `{}` stands twice", shown(name)));
                }
            }
            None if index == 0 => draft.measure_time = Some(Time::parse(word)?),
            None => return Err(format!("`{}` is neither a time nor tag=value", shown(word))),
        }
    }
    draft.finish()
}

fn no_value(line: &str) -> &'static str {
    if line.contains([',', ';']) {
        return "there is no value; for CSV give --input-format csv and a header that names `name` and `value`";
    }
    "there is no value"
}
