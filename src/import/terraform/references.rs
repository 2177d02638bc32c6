//! References: `local.x`, `var.x`, `each.value`, `module.x.y`, `librato_service.x.id`, and what stands behind their dots and brackets.
//! Knows the names Terraform gives things; what they are worth is worked out in `evaluate`.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};

use super::super::node::{Fields, Node, Val};
use super::block::{Type, type_of};
use super::evaluate::{Evaluator, Scope, TOO_LARGE};
use super::instance::{Instance, Key};
use super::modules::META;

impl<'a> Evaluator<'a> {
    /// A name followed by dots and brackets.
    pub fn traversal(&self, traversal: &'a Traversal, scope: &Scope<'_, 'a>) -> Val {
        let operators: Vec<&TraversalOperator> = traversal.operators.iter().map(|one| one.value()).collect();
        let Expression::Variable(base) = &traversal.expr else {
            return self.follow(self.evaluate(&traversal.expr, scope).value, &operators, scope);
        };
        let base = base.as_str();
        if let Some((_, bound)) = scope.bindings.iter().find(|(name, _)| name == base) {
            return self.follow(self.paid(bound.value.clone()), &operators, scope);
        }
        let [TraversalOperator::GetAttr(name), rest @ ..] = operators.as_slice() else {
            return Val::unknown(shown(traversal));
        };
        let name = name.as_str();
        let known = match base {
            "local" => scope.module.index.locals.get(name).map(|(file, expr)| {
                let there = scope.there(scope.module, *file, Fields::new());
                self.evaluate(expr, &there).value
            }),
            "var" => Some(self.variable(name, scope)),
            "module" => return self.output(name, rest, traversal, scope),
            "each" | "count" | "data" | "path" | "terraform" | "self" => None,
            of => return self.resource(of, name, rest, traversal, scope),
        };
        match known {
            Some(value) => self.follow(value, rest, scope),
            None => Val::unknown(shown(traversal)),
        }
    }

    /// `module.name.output`, `module.name[key].output`.
    fn output(
        &self,
        name: &str,
        rest: &[&'a TraversalOperator],
        traversal: &Traversal,
        scope: &Scope<'_, 'a>,
    ) -> Val {
        let Ok(children) = self.children(scope.module, name) else { return Val::unknown(shown(traversal)) };
        let address = format!("{}module.{name}", scope.module.path);
        let (wanted, rest) = match self.key(rest, scope) {
            Some(found) => found,
            None => return Val::unknown(shown(traversal)),
        };
        let child = children.iter().find(|child| child.path == format!("{address}{}.", wanted.suffix()));
        let (Some(child), [TraversalOperator::GetAttr(output), rest @ ..]) = (child, rest) else {
            return Val::unknown(shown(traversal));
        };
        let Some((file, expr)) = child.index.outputs.get(output.as_str()) else {
            return Val::unknown(shown(traversal));
        };
        let value = self.evaluate(expr, &scope.there(child, *file, Fields::new())).value;
        self.follow(value, rest, scope)
    }

    /// `type.name.attribute`, `type.name[key].attribute`, `type.name[*].attribute`.
    fn resource(
        &self,
        of: &str,
        name: &str,
        rest: &[&'a TraversalOperator],
        traversal: &Traversal,
        scope: &Scope<'_, 'a>,
    ) -> Val {
        let unknown = || Val::unknown(shown(traversal));
        let Ok(Some((_, made))) = type_of(of) else { return unknown() };
        let Some((file, syntax)) = scope.module.index.resources.get(&(of, name)) else { return unknown() };
        let address = format!("{}{of}.{name}", scope.module.path);
        let Ok(instances) = self.instances(scope.module, *file, syntax, &address) else { return unknown() };
        let attribute = |instance: &Instance, field: &str| {
            // A metric's id is its name; that of everything else is made by the service.
            let field = if made == Type::Metric && field == "id" { "name" } else { field };
            if field == "id" {
                return Val::Reference(format!("{address}{}", instance.key.suffix()));
            }
            match syntax.body.get_attribute(field) {
                Some(found) => {
                    let there = scope.there(scope.module, *file, instance.bindings.clone());
                    self.evaluate(&found.value, &there).value
                }
                None => unknown(),
            }
        };
        if let [
            TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_),
            TraversalOperator::GetAttr(field),
            rest @ ..,
        ] = rest
        {
            let place = scope.place(traversal.span());
            let each = |instance: &Instance| {
                let value = self.follow(attribute(instance, field.as_str()), rest, scope);
                Node::new(value, place.clone())
            };
            if !self.pay(instances.len()) {
                return Val::unknown(TOO_LARGE);
            }
            return Val::List(instances.iter().map(each).collect());
        }
        let Some((wanted, rest)) = self.key(rest, scope) else { return unknown() };
        let whole = |instance: &Instance| {
            let there = scope.there(scope.module, *file, instance.bindings.clone());
            let mut fields = self.fields(&syntax.body, &there, META);
            let id = attribute(instance, "id");
            fields.push(("id".to_owned(), Node::new(id, scope.place(traversal.span()))));
            Node::new(Val::Map(fields), scope.place(traversal.span()))
        };
        if wanted == Key::Only && rest.is_empty() && instances.first().is_none_or(|one| one.key != Key::Only)
        {
            return all(&instances, whole);
        }
        let instance = match &wanted {
            Key::Index(index) => usize::try_from(*index).ok().and_then(|index| instances.get(index)),
            _ => instances.iter().find(|instance| instance.key == wanted),
        };
        match (instance.filter(|instance| instance.key == wanted), rest) {
            (Some(instance), [TraversalOperator::GetAttr(field), rest @ ..]) => {
                self.follow(attribute(instance, field.as_str()), rest, scope)
            }
            (Some(instance), rest) => self.follow(whole(instance).value, rest, scope),
            _ => unknown(),
        }
    }

    /// The key of an instance, where one is given, and what follows it.
    fn key<'o>(
        &self,
        rest: &'o [&'a TraversalOperator],
        scope: &Scope<'_, 'a>,
    ) -> Option<(Key, &'o [&'a TraversalOperator])> {
        match rest {
            [TraversalOperator::LegacyIndex(index), rest @ ..] => Some((Key::Index(*index.value()), rest)),
            [TraversalOperator::Index(expr), rest @ ..] => match self.evaluate(expr, scope).value {
                Val::Number(number) => Some((Key::Index(number.as_u64()?), rest)),
                Val::Text(text) => Some((Key::Name(text), rest)),
                _ => None,
            },
            rest => Some((Key::Only, rest)),
        }
    }

    /// What stands behind dots and brackets.
    fn follow(&self, value: Val, operators: &[&'a TraversalOperator], scope: &Scope<'_, 'a>) -> Val {
        let [operator, rest @ ..] = operators else { return value };
        let found = match (operator, value) {
            (_, Val::Unknown { why, .. }) => return Val::unknown(why),
            (TraversalOperator::GetAttr(name), Val::Map(fields)) => by_name(fields, name.as_str()),
            (TraversalOperator::LegacyIndex(index), Val::List(items)) => by_index(items, *index.value()),
            (TraversalOperator::Index(expr), value) => match (self.evaluate(expr, scope).value, value) {
                (Val::Number(index), Val::List(items)) => {
                    index.as_u64().and_then(|index| by_index(items, index))
                }
                (Val::Text(name), Val::Map(fields)) => by_name(fields, &name),
                (Val::Unknown { why, .. }, _) => return Val::unknown(why),
                _ => None,
            },
            (TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_), Val::List(items)) => {
                let each = |item: Node| Node::new(self.follow(item.value, rest, scope), item.place);
                return Val::List(items.into_iter().map(each).collect());
            }
            _ => None,
        };
        match found {
            Some(value) => self.follow(value, rest, scope),
            None => Val::unknown("a part of a value that does not have it"),
        }
    }
}

/// All instances of a resource: a list of those that are counted, a map of those that have names.
fn all(instances: &[Instance], whole: impl Fn(&Instance) -> Node) -> Val {
    let named = |instance: &Instance| match &instance.key {
        Key::Name(name) => Some((name.clone(), whole(instance))),
        Key::Only | Key::Index(_) => None,
    };
    if instances.is_empty() {
        return Val::unknown("a resource of which there are none");
    }
    match instances.iter().map(named).collect::<Option<Fields>>() {
        Some(fields) => Val::Map(fields),
        None => Val::List(instances.iter().map(whole).collect()),
    }
}

fn by_name(fields: Fields, name: &str) -> Option<Val> {
    fields.into_iter().find(|(key, _)| key == name).map(|(_, node)| node.value)
}

fn by_index(items: Vec<Node>, index: u64) -> Option<Val> {
    items.into_iter().nth(usize::try_from(index).ok()?).map(|node| node.value)
}

/// A reference as it is written, for a message.
fn shown(traversal: &Traversal) -> String {
    let mut out = match &traversal.expr {
        Expression::Variable(name) => name.as_str().to_owned(),
        _ => "…".to_owned(),
    };
    for operator in &traversal.operators {
        match operator.value() {
            TraversalOperator::GetAttr(name) => out.push_str(&format!(".{}", name.as_str())),
            TraversalOperator::LegacyIndex(index) => out.push_str(&format!(".{}", index.value())),
            TraversalOperator::Index(_) => out.push_str("[…]"),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => out.push_str("[*]"),
        }
    }
    format!("`{out}` is not known from these files")
}
