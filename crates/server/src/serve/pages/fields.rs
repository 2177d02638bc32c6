//! Reading what the API answers and what a query says: missing and odd values are empty ones. Pure.

use serde_json::Value;
use url::form_urlencoded;

/// A text of an object; empty where there is none.
pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// A list of an object; empty where there is none.
pub fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A whole number.
pub fn whole(object: &Value, key: &str) -> Option<i64> {
    object[key].as_i64().or_else(|| object[key].as_f64().map(|number| number as i64))
}

/// The parameters of a query.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn read(query: &str) -> Params {
        Params(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The last value of this name; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.trim()).unwrap_or_default()
    }

    /// All values of this name that are not empty.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    /// The same path with one value of this name more, or without it where it is there already.
    pub fn toggled(&self, path: &str, name: &str, value: &str) -> String {
        let is_it = |pair: &&(String, String)| pair.0 == name && pair.1.trim() == value.trim();
        let mut pairs: Vec<(&str, &str)> = self
            .0
            .iter()
            .filter(|pair| pair.0 != "said" && !is_it(pair))
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        if !self.0.iter().any(|pair| is_it(&pair)) {
            pairs.push((name, value));
        }
        query(path, &pairs)
    }

    /// The values of all names that begin so, by what follows; empty ones are none.
    pub fn starting_with(&self, start: &str) -> Vec<(String, String)> {
        let given = self.0.iter().filter(|(_, value)| !value.trim().is_empty());
        given
            .filter_map(|(key, value)| Some((key.strip_prefix(start)?.to_owned(), value.trim().to_owned())))
            .collect()
    }

    /// The same path with one parameter changed; an empty value takes it away.
    pub fn with(&self, path: &str, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(key, value)| key != name && key != "said" && !value.is_empty());
        let mut written = form_urlencoded::Serializer::new(String::new());
        written.extend_pairs(others);
        if !value.is_empty() {
            written.append_pair(name, value);
        }
        let query = written.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The same path with several parameters changed.
    pub fn with_all(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let mut changed = self.clone();
        changed.0.retain(|(key, _)| key != "said" && !changes.iter().any(|(name, _)| name == key));
        changed.0.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pairs: Vec<(&str, &str)> =
            changed.0.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        query(path, &pairs)
    }

    /// All but these, for forms that keep what they do not ask for.
    pub fn others(&self, names: &[&str]) -> impl Iterator<Item = &(String, String)> {
        self.0
            .iter()
            .filter(move |(key, value)| key != "said" && !value.is_empty() && !names.contains(&key.as_str()))
    }

    /// How many were skipped, for lists in pages.
    pub fn offset(&self) -> usize {
        self.text("offset").parse().unwrap_or(0)
    }
}

/// A path with these parameters; empty values are left out.
pub fn query(path: &str, pairs: &[(&str, &str)]) -> String {
    let all = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_parameter_changes_and_the_others_stay() {
        let params = Params::read("name=a%26b&offset=100&said=x&empty=");
        assert_eq!(params.with("/ui/metrics", "offset", "200"), "/ui/metrics?name=a%26b&offset=200");
        assert_eq!(params.with("/ui/metrics", "name", ""), "/ui/metrics?offset=100");
        assert_eq!(params.with_all("/x", &[("offset", ""), ("to", "1")]), "/x?name=a%26b&to=1");
        let others: Vec<_> = params.others(&["offset"]).map(|(name, _)| name.as_str()).collect();
        assert_eq!(others, ["name"]);
        assert_eq!((params.text("name"), params.text("none"), params.offset()), ("a&b", "", 100));
        let hidden = Params::read("hide=a&hide=b%26c&from=-1h");
        assert_eq!(hidden.all("hide").collect::<Vec<_>>(), ["a", "b&c"]);
        assert_eq!(hidden.toggled("/x", "hide", "a"), "/x?hide=b%26c&from=-1h");
        assert_eq!(hidden.toggled("/x", "hide", "d"), "/x?hide=a&hide=b%26c&from=-1h&hide=d");
        assert_eq!(query("/v1/x", &[("a", "b c"), ("d", "")]), "/v1/x?a=b+c");
    }
}
