//! Which series a query by tags means: the parameter `tags` and the expression `tags_search`. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::serve::http::fields::{self, Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::names::{MOST_PATTERNS, folded, matches_folded};
use crate::serve::refusal::Errors;

pub type Tags = BTreeMap<String, String>;

/// Parentheses inside parentheses.
const DEEPEST: usize = 32;

/// A condition on the tags of a series. Names and patterns are in lower case.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Holds when all do; so without any.
    All(Vec<Filter>),
    Any(Vec<Filter>),
    /// The tag exists and its value matches.
    Is(String, String),
    /// The tag exists and its value does not match.
    IsNot(String, String),
    Lacks(String),
}

impl Filter {
    /// From `tags` or `tags_search`, which exclude each other; without either, everything.
    pub fn read(query: &Object) -> Result<Filter, Problem> {
        let mut errors = Errors::default();
        let search = Reader::new(query).text("tags_search").value().filter(|text| !text.trim().is_empty());
        let filter = match (query.get("tags"), search) {
            (Some(Value::Object(tags)), None) => of_tags(tags, &mut errors),
            (None | Some(Value::Null), None) => Filter::All(Vec::new()),
            (Some(Value::String(text)), None) if matches!(text.trim(), "" | "*") => Filter::All(Vec::new()),
            (None | Some(Value::Null), Some(search)) => parse(&search).unwrap_or_else(|message| {
                errors.add("tags_search", message);
                Filter::All(Vec::new())
            }),
            (Some(_), Some(_)) => {
                errors.add("tags_search", "cannot be used together with tags");
                Filter::All(Vec::new())
            }
            (Some(_), None) => {
                errors.add("tags", "is not an object");
                Filter::All(Vec::new())
            }
        };
        if filter.tests() > MOST_PATTERNS {
            let name = if query.contains_key("tags") { "tags" } else { "tags_search" };
            errors.add(name, format!("must not hold more than {MOST_PATTERNS} tests"));
        }
        errors.finish()?;
        Ok(filter)
    }

    /// How many tags it looks at, each of which is looked for in every series.
    fn tests(&self) -> usize {
        match self {
            Filter::All(inner) | Filter::Any(inner) => inner.iter().map(Filter::tests).sum(),
            Filter::Is(..) | Filter::IsNot(..) | Filter::Lacks(_) => 1,
        }
    }

    pub fn holds(&self, tags: &Tags) -> bool {
        let like =
            |name: &String, pattern| tags.get(name).map(|value| matches_folded(pattern, &folded(value)));
        match self {
            Filter::All(all) => all.iter().all(|filter| filter.holds(tags)),
            Filter::Any(any) => any.iter().any(|filter| filter.holds(tags)),
            Filter::Is(name, pattern) => like(name, pattern) == Some(true),
            Filter::IsNot(name, pattern) => like(name, pattern) == Some(false),
            Filter::Lacks(name) => !tags.contains_key(name),
        }
    }

    /// `name=pattern`, where a `!` before the pattern negates it.
    fn tag(name: &str, pattern: &str) -> Filter {
        let (name, pattern) = (name.to_lowercase(), pattern.to_lowercase());
        match pattern.strip_prefix('!') {
            Some(pattern) => Filter::IsNot(name, pattern.to_owned()),
            None => Filter::Is(name, pattern),
        }
    }
}

/// Different names must all hold; of the patterns of one name any, but every negated one.
fn of_tags(tags: &Object, errors: &mut Errors) -> Filter {
    let mut all = Vec::new();
    for (name, patterns) in tags {
        if let Some(name) = name.strip_prefix('!') {
            all.push(Filter::Lacks(name.to_lowercase()));
            continue;
        }
        let Ok(patterns) = fields::list(patterns)
            .and_then(|list| list.into_iter().map(fields::text).collect::<Result<Vec<_>, _>>())
            .or_else(|_| fields::text(patterns).map(|one| vec![one]))
        else {
            errors.add("tags", "must have strings as values");
            continue;
        };
        let filters = patterns.iter().map(|pattern| Filter::tag(name, pattern));
        let (negated, plain): (Vec<_>, Vec<_>) =
            filters.partition(|filter| matches!(filter, Filter::IsNot(..)));
        all.extend(negated);
        if !plain.is_empty() {
            all.push(Filter::Any(plain));
        }
    }
    Filter::All(all)
}

/// Reads an expression such as `region=us-east* and (db=*prod* or !az)`. `and` binds closer than `or`; a tag name
/// alone asks for the tag, whatever its value; a value with blanks stands in double quotes.
fn parse(text: &str) -> Result<Filter, String> {
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    let filter = any(&mut rest, 0)?;
    match rest.first() {
        None => Ok(filter),
        Some(token) => Err(format!("does not go on with '{}'", token.text())),
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    /// A test, quotes taken away.
    Tag(String),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Token::Open => "(",
            Token::Close => ")",
            Token::And => "and",
            Token::Or => "or",
            Token::Tag(text) => text,
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first.is_whitespace() || first == '(' || first == ')' {
            chars.next();
            match first {
                '(' => tokens.push(Token::Open),
                ')' => tokens.push(Token::Close),
                _ => {}
            }
            continue;
        }
        let (mut word, mut quoted, mut plain) = (String::new(), false, true);
        while let Some(&next) = chars.peek() {
            match next {
                '"' => (quoted, plain) = (!quoted, false),
                _ if !quoted && (next.is_whitespace() || next == '(' || next == ')') => break,
                _ => word.push(next),
            }
            chars.next();
        }
        if quoted {
            return Err("has a quote that does not end".to_owned());
        }
        tokens.push(match word.to_lowercase().as_str() {
            "and" if plain => Token::And,
            "or" if plain => Token::Or,
            _ => Token::Tag(word),
        });
    }
    Ok(tokens)
}

fn any(rest: &mut &[Token], depth: usize) -> Result<Filter, String> {
    let mut alternatives = vec![all(rest, depth)?];
    while let Some((Token::Or, after)) = rest.split_first() {
        *rest = after;
        alternatives.push(all(rest, depth)?);
    }
    Ok(Filter::Any(alternatives))
}

fn all(rest: &mut &[Token], depth: usize) -> Result<Filter, String> {
    let mut needed = vec![one(rest, depth)?];
    while let Some((Token::And, after)) = rest.split_first() {
        *rest = after;
        needed.push(one(rest, depth)?);
    }
    Ok(Filter::All(needed))
}

fn one(rest: &mut &[Token], depth: usize) -> Result<Filter, String> {
    let Some((token, after)) = rest.split_first() else { return Err("ends too early".to_owned()) };
    *rest = after;
    match token {
        Token::Tag(text) => tag(text),
        Token::Open if depth == DEEPEST => Err("is nested too deeply".to_owned()),
        Token::Open => {
            let inner = any(rest, depth + 1)?;
            match rest.split_first() {
                Some((Token::Close, after)) => *rest = after,
                _ => return Err("has a parenthesis that does not end".to_owned()),
            }
            Ok(inner)
        }
        Token::Close | Token::And | Token::Or => Err(format!("needs a tag before '{}'", token.text())),
    }
}

fn tag(text: &str) -> Result<Filter, String> {
    let (name, pattern) = match text.split_once('=') {
        // `name!=pattern` is what most people write for `name=!pattern`.
        Some((name, pattern)) if name.ends_with('!') => (name.trim_end_matches('!'), format!("!{pattern}")),
        Some((name, pattern)) => (name, pattern.to_owned()),
        None => match text.strip_prefix('!') {
            Some(name) if !name.is_empty() => return Ok(Filter::Lacks(name.to_lowercase())),
            _ => (text, "*".to_owned()),
        },
    };
    if name.is_empty() || name == "!" {
        return Err("has a test without the name of a tag".to_owned());
    }
    Ok(Filter::tag(name, &pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chosen(query: &Value) -> Result<Vec<usize>, Problem> {
        let series = [
            json!({"region": "us-east-1", "az": "a", "db": "prod 1"}),
            json!({"region": "us-east-2", "az": "b"}),
            json!({"region": "eu", "az": "a", "db": "test"}),
            json!({"host": "h1"}),
        ];
        let filter = Filter::read(query.as_object().unwrap())?;
        let holds = |tags: &Value| filter.holds(&serde_json::from_value(tags.clone()).unwrap());
        Ok((0..series.len()).filter(|n| holds(&series[*n])).collect())
    }

    #[test]
    fn tags_in_a_query() {
        for (tags, expected) in [
            (json!({}), vec![0, 1, 2, 3]),
            (json!("*"), vec![0, 1, 2, 3]),
            (json!({"region": "US-east*"}), vec![0, 1]),
            (json!({"region": "us-east*", "az": "a"}), vec![0]),
            (json!({"az": ["a", "b"]}), vec![0, 1, 2]),
            (json!({"az": {"0": "b"}}), vec![1]),
            (json!({"az": "!a"}), vec![1]),
            (json!({"region": ["!us-east-1", "!eu"]}), vec![1]),
            (json!({"!region": "1"}), vec![3]),
            (json!({"db": "*"}), vec![0, 2]),
        ] {
            assert_eq!(chosen(&json!({"tags": tags})).unwrap(), expected, "{tags}");
        }
        assert!(chosen(&json!({"tags": 5})).is_err());
        assert!(chosen(&json!({"tags": {"a": {"b": "c"}}})).is_err());
        assert!(chosen(&json!({"tags": {"a": "b"}, "tags_search": "a=b"})).is_err());
    }

    #[test]
    fn expressions() {
        for (search, expected) in [
            ("region=us-east* and az=a", vec![0]),
            ("az=b or host=*", vec![1, 3]),
            ("az=b OR az=a AND db=test", vec![1, 2]),
            ("(az=b or az=a) and !db", vec![1]),
            ("db=\"prod 1\"", vec![0]),
            ("region=!eu", vec![0, 1]),
            ("region!=eu", vec![0, 1]),
            ("db", vec![0, 2]),
            ("!region", vec![3]),
            ("", vec![0, 1, 2, 3]),
        ] {
            assert_eq!(chosen(&json!({"tags_search": search})).unwrap(), expected, "{search}");
        }
        let many = vec!["a=*b*"; MOST_PATTERNS].join(" or ");
        assert!(chosen(&json!({ "tags_search": many })).is_ok());
        let refused = chosen(&json!({ "tags_search": format!("{many} or a=c") })).unwrap_err();
        assert!(format!("{refused:?}").contains("more than 1000 tests"), "{refused:?}");
        let deep = format!("{}a=b{}", "(".repeat(1000), ")".repeat(1000));
        for bad in ["and", "a=b or", "a=b c=d", "(a=b", "a=b)", "=b", "a=\"b", "!", "!=b", &deep] {
            assert!(chosen(&json!({"tags_search": bad})).is_err(), "{bad}");
        }
    }
}
