//! `[for …]` and `{for …}` over what is known.
//! With two names over a list it is not known which kind of list: the first name is a number for one, the item for the other.

use hcl_edit::expr::ForExpr;

use super::super::node::{Fields, Node, Val, truth};
use super::evaluate::{Evaluator, Scope};
use super::functions::text;

impl<'a> Evaluator<'a> {
    /// A list or map made of another one.
    pub fn comprehension(&self, expr: &'a ForExpr, scope: &Scope<'_, 'a>) -> Val {
        let collection = self.evaluate(&expr.intro.collection_expr, scope);
        let key_name = expr.intro.key_var.as_ref().map(|name| name.as_str());
        let pairs: Fields = match collection.value {
            Val::List(items) if key_name.is_none() => {
                items.into_iter().map(|item| (String::new(), item)).collect()
            }
            Val::Map(mut fields) => {
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                fields
            }
            Val::Unknown { why, .. } => return Val::unknown(why),
            _ => return Val::unknown("a `for` expression over something that is not a map"),
        };
        if expr.grouping {
            return Val::unknown("a `for` expression that makes groups");
        }
        let (mut list, mut map) = (Vec::new(), Fields::new());
        for (key, value) in pairs {
            let mut bindings = vec![(expr.intro.value_var.as_str().to_owned(), value)];
            let place = &collection.place;
            bindings.extend(key_name.map(|name| (name.to_owned(), Node::text(key, place.clone()))));
            let inside = scope.with(bindings);
            match expr.cond.as_ref().map(|cond| self.evaluate(&cond.expr, &inside).value) {
                None => {}
                Some(Val::Unknown { why, .. }) => return Val::unknown(why),
                Some(value) => match truth(&value) {
                    Some(true) => {}
                    Some(false) => continue,
                    None => return Val::unknown("a condition that is neither true nor false"),
                },
            }
            let made = self.evaluate(&expr.value_expr, &inside);
            match expr.key_expr.as_ref().map(|key| self.evaluate(key, &inside).value) {
                None => list.push(made),
                Some(Val::Unknown { why, .. }) => return Val::unknown(why),
                Some(key) => match text(&key) {
                    Some(key) => map.push((key, made)),
                    None => return Val::unknown("a key that is no text"),
                },
            }
        }
        self.paid(if expr.key_expr.is_some() { Val::Map(map) } else { Val::List(list) })
    }
}
