//! What an expression is worth, as far as the files alone tell: literals, locals, variables, other resources.
//! Never guesses: a variable without a value, and everything of other providers, is unknown, with its name.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, Object, ObjectKey};
use hcl_edit::template::{Element, Strip};

use super::super::node::{Fields, GAP, Node, Val, number, truth};
use super::hcl::Index;
use super::instance::{Instance, Module};
use super::variables::Values;
use super::{functions, operators};
use crate::diag::{FileId, Place};

/// How much one run may work out, in values and characters: a few lines can double a text for ever.
const MOST: usize = 1_000_000;

pub(super) const TOO_LARGE: &str = "it is too large to be worked out here";

/// How many references may lead to each other.
const DEEPEST: usize = 64;

/// What has been unfolded already, by root and address.
type Unfolded = HashMap<(usize, String), Result<Rc<Vec<Instance>>, String>>;

/// Works out expressions.
pub(super) struct Evaluator<'a> {
    pub indexes: &'a BTreeMap<&'a str, Index<'a>>,
    pub values: &'a Values<'a>,
    pub unfolded: RefCell<Unfolded>,
    /// Variables of roots that have their defaults, and where they are declared.
    pub defaults: RefCell<BTreeMap<(usize, &'a str), Place>>,
    spent: Cell<usize>,
}

/// Where an expression stands: its module and file, and what `each`, `count` and iterators stand for there.
pub(super) struct Scope<'m, 'a> {
    pub module: &'m Module<'a>,
    file: FileId,
    pub bindings: Fields,
    depth: usize,
}

impl<'m, 'a> Scope<'m, 'a> {
    pub fn new(module: &'m Module<'a>, file: FileId, bindings: Fields) -> Self {
        Self { module, file, bindings, depth: 0 }
    }

    /// The same, with more names.
    pub fn with(&self, bindings: Fields) -> Self {
        let bindings = bindings.into_iter().chain(self.bindings.iter().cloned()).collect();
        Self { bindings, ..*self }
    }

    pub fn place(&self, span: Option<Range<usize>>) -> Place {
        span.map_or(Place::File(self.file), |span| Place::Bytes { file: self.file, span })
    }

    /// Somewhere else, one reference further.
    pub fn there<'n>(&self, module: &'n Module<'a>, file: FileId, bindings: Fields) -> Scope<'n, 'a> {
        Scope { module, file, bindings, depth: self.depth + 1 }
    }
}

impl<'a> Evaluator<'a> {
    pub fn new(indexes: &'a BTreeMap<&'a str, Index<'a>>, values: &'a Values<'a>) -> Self {
        let (unfolded, defaults) = (RefCell::default(), RefCell::default());
        Self { indexes, values, unfolded, defaults, spent: Cell::new(0) }
    }

    /// What an expression is worth where it stands.
    pub fn evaluate(&self, expr: &'a Expression, scope: &Scope<'_, 'a>) -> Node {
        let place = scope.place(expr.span());
        let value = if !self.pay(1) {
            Val::unknown(TOO_LARGE)
        } else if scope.depth > DEEPEST {
            Val::unknown("it refers to itself, or through too many others")
        } else {
            self.value(expr, scope)
        };
        Node::new(value, place)
    }

    fn value(&self, expr: &'a Expression, scope: &Scope<'_, 'a>) -> Val {
        match expr {
            Expression::Null(_) => Val::Null,
            Expression::Bool(flag) => Val::Bool(*flag.value()),
            Expression::Number(found) => {
                found.value().as_f64().and_then(number).map_or(Val::Null, Val::Number)
            }
            Expression::String(text) => Val::Text(text.value().clone()),
            Expression::Array(items) => {
                Val::List(items.iter().map(|item| self.evaluate(item, scope)).collect())
            }
            Expression::Object(object) => self.object(object, scope),
            Expression::StringTemplate(template) => {
                let elements: Vec<&Element> = template.iter().collect();
                match elements.as_slice() {
                    // A template that is nothing but one reference is what it refers to.
                    [Element::Interpolation(only)] => self.evaluate(&only.expr, scope).value,
                    elements => self.template(elements, scope),
                }
            }
            Expression::HeredocTemplate(heredoc) => {
                self.template(&heredoc.template.iter().collect::<Vec<_>>(), scope)
            }
            Expression::Parenthesis(inner) => self.evaluate(inner.inner(), scope).value,
            Expression::Conditional(choice) => match self.evaluate(&choice.cond_expr, scope).value {
                Val::Unknown { why, .. } => Val::unknown(why),
                value => match truth(&value) {
                    Some(true) => self.evaluate(&choice.true_expr, scope).value,
                    Some(false) => self.evaluate(&choice.false_expr, scope).value,
                    None => Val::unknown("a condition that is neither true nor false"),
                },
            },
            Expression::FuncCall(call) => {
                let arguments: Vec<Node> = call.args.iter().map(|one| self.evaluate(one, scope)).collect();
                if call.name.is_namespaced() || call.args.expand_final() {
                    return Val::unknown(format!("the function `{}`", call.name.name.as_str()));
                }
                self.paid(functions::call(call.name.name.as_str(), &arguments))
            }
            Expression::Traversal(traversal) => self.traversal(traversal, scope),
            Expression::UnaryOp(op) => {
                operators::unary(*op.operator.value(), &self.evaluate(&op.expr, scope).value)
            }
            Expression::BinaryOp(op) => {
                let sides = [&op.lhs_expr, &op.rhs_expr].map(|side| self.evaluate(side, scope).value);
                operators::binary(*op.operator.value(), &sides)
            }
            Expression::Variable(name) => {
                let bound = scope.bindings.iter().find(|(known, _)| known == name.as_str());
                match bound {
                    Some((_, node)) => self.paid(node.value.clone()),
                    // Neither language has these words; nothing else can be meant.
                    None if matches!(name.as_str(), "True" | "TRUE") => Val::Bool(true),
                    None if matches!(name.as_str(), "False" | "FALSE") => Val::Bool(false),
                    None => Val::unknown(format!("`{}`", name.as_str())),
                }
            }
            Expression::ForExpr(made) => self.comprehension(made, scope),
        }
    }

    fn object(&self, object: &'a Object, scope: &Scope<'_, 'a>) -> Val {
        let mut fields = Fields::new();
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(name) => name.to_string().trim().to_owned(),
                ObjectKey::Expression(expr) => match self.evaluate(expr, scope).value {
                    Val::Text(text) => text,
                    Val::Number(number) => number.to_string(),
                    Val::Unknown { why, .. } => return Val::unknown(why),
                    _ => return Val::unknown("a key that is no text"),
                },
            };
            let value = self.evaluate(value.expr(), scope);
            fields.push((key, value));
        }
        Val::Map(fields)
    }

    fn template(&self, elements: &[&'a Element], scope: &Scope<'_, 'a>) -> Val {
        let mut text = String::new();
        let mut unknown = None;
        for element in elements {
            let (part, strips) = match element {
                Element::Literal(literal) => (Ok(literal.value().clone()), false),
                Element::Interpolation(inner) => {
                    (as_text(self.evaluate(&inner.expr, scope)), inner.strip != Strip::None)
                }
                Element::Directive(_) => (Err("a directive in a text".to_owned()), true),
            };
            if strips {
                return Val::unknown("a directive in a text, or a reference that swallows blanks");
            }
            match part {
                Ok(part) => text.push_str(&part),
                Err(why) => {
                    text.push(GAP);
                    unknown.get_or_insert(why);
                }
            }
        }
        match unknown {
            Some(why) => self.paid(Val::Unknown { why, sketch: Some(text) }),
            None => self.paid(Val::Text(text)),
        }
    }

    /// Counts what was made, so that nothing can grow without end.
    pub fn paid(&self, value: Val) -> Val {
        if self.pay(value.size()) { value } else { Val::unknown(TOO_LARGE) }
    }

    /// Counts so many values; whether there may be more.
    pub fn pay(&self, values: usize) -> bool {
        self.spent.set(self.spent.get().saturating_add(values));
        self.spent.get() <= MOST
    }
}

/// A value inside a text.
fn as_text(node: Node) -> Result<String, String> {
    match node.value {
        Val::Text(text) => Ok(text),
        Val::Number(number) => Ok(number.to_string()),
        Val::Bool(flag) => Ok(flag.to_string()),
        Val::Unknown { why, .. } => Err(why),
        Val::Reference(address) => Err(format!("the id of {address}")),
        other => Err(format!("{} inside a text", other.noun())),
    }
}
