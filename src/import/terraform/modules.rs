//! From configurations to blocks: modules are entered, `count`, `for_each` and `dynamic` are unfolded, where they can be worked out.
//! Knows nothing of what a resource means.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::structure::{Block as Syntax, Body, Structure};

use super::super::Variables;
use super::super::node::{Fields, Node, Val};
use super::block::{Block, HINT, type_of};
use super::evaluate::{Evaluator, Scope, TOO_LARGE};
use super::hcl::{Index, Parsed, header, normal};
use super::instance::{Instance, Key, Module};
use super::resources;
use super::variables::{self, Values};
use crate::diag::{Code, Diagnostic, FileId, Place, Report};

/// What entering a module costs, in values.
const ENTRY: usize = 100;

/// How many instances one run may unfold.
const MOST: usize = 50_000;

/// What stands beside the fields of a resource and is Terraform's own business.
pub(super) const META: &[&str] =
    &["count", "for_each", "depends_on", "provider", "lifecycle", "provisioner", "connection", "timeouts"];

/// What stands beside the variables of a module.
const MODULE_META: &[&str] = &["source", "version", "count", "for_each", "depends_on", "providers"];

/// Unfolds all root modules: the directories that no other directory calls. Each is a world of its own, numbered from `first`.
pub(super) fn expand(
    parsed: &Parsed,
    values: &variables::Parsed,
    named: &Variables,
    first: usize,
    report: &mut Report,
) -> Vec<Block> {
    let indexes: BTreeMap<&str, Index> =
        parsed.iter().map(|(dir, files)| (dir.as_str(), Index::of(files))).collect();
    let called: BTreeSet<String> = indexes
        .iter()
        .flat_map(|(dir, index)| index.modules.values().filter_map(|(_, call)| local_source(dir, call)))
        .collect();
    let values = Values::of(values);
    let evaluator = Evaluator::new(&indexes, &values);
    let mut expanding = Expanding { evaluator: &evaluator, report, blocks: Vec::new() };
    // Where each is called by another there is no root, and all of them are as good a place to find that out.
    let none = indexes.keys().all(|dir| called.contains(*dir));
    let roots = indexes.iter().filter(|(dir, _)| none || !called.contains(**dir));
    for (world, (dir, index)) in (first..).zip(roots) {
        expanding.module(&Module { index, world, dirs: vec![dir], path: String::new(), variables: None });
    }
    let blocks = expanding.blocks;
    evaluator.note_defaults(report);
    evaluator.note_strangers(named, report);
    blocks
}

/// The directory a module is in, when it is part of the same configuration.
fn local_source(dir: &str, call: &Syntax) -> Option<String> {
    let source = call.body.get_attribute("source")?.value.as_str()?;
    let joined = if dir.is_empty() { source.to_owned() } else { format!("{dir}/{source}") };
    (source.starts_with("./") || source.starts_with("../")).then(|| normal(&joined))
}

struct Expanding<'a, 'b> {
    evaluator: &'b Evaluator<'a>,
    report: &'b mut Report,
    blocks: Vec<Block>,
}

impl<'a> Expanding<'a, '_> {
    fn module(&mut self, module: &Module<'a>) {
        for (file, syntax) in &module.index.ours {
            self.resource(module, *file, syntax);
        }
        for (name, (file, call)) in &module.index.modules {
            let place = Place::Bytes { file: *file, span: header(call) };
            match self.evaluator.children(module, name) {
                Ok(children) => children.iter().for_each(|child| self.module(child)),
                Err(Absent::Elsewhere(source)) => {
                    let message = format!("module.{name} comes from {source}, which is not read");
                    let found = Diagnostic::warning(Code::ModuleNotRead, message).at(place, "");
                    self.report.push(found.help(HINT));
                }
                Err(Absent::Because(why)) => {
                    let message = format!("module.{name} is left out: {why}");
                    self.report
                        .push(Diagnostic::error(Code::NeedsEvaluation, message).at(place, "").help(HINT));
                }
            }
        }
    }

    fn resource(&mut self, module: &Module<'a>, file: FileId, syntax: &'a Syntax) {
        let [of, name] = syntax.labels.as_slice() else { return };
        let place = Place::Bytes { file, span: header(syntax) };
        let address = format!("{}{}.{}", module.path, of.as_str(), name.as_str());
        let Ok(Some((provider, made))) = type_of(of.as_str()) else {
            self.report.push(resources::unknown_type(&address, of.as_str(), place));
            return;
        };
        let instances = match self.evaluator.instances(module, file, syntax, &address) {
            Ok(instances) => instances,
            Err(why) => {
                let message =
                    format!("{address} is left out: how many there are would have to be worked out: {why}");
                self.report.push(Diagnostic::error(Code::NeedsEvaluation, message).at(place, "").help(HINT));
                return;
            }
        };
        for instance in instances.iter() {
            if self.blocks.len() >= MOST {
                let message = format!("{address} is left out: there are more than {MOST} resources");
                self.report.push(Diagnostic::error(Code::TooMany, message).at(place, ""));
                return;
            }
            let scope = Scope::new(module, file, instance.bindings.clone());
            let fields = self.evaluator.fields(&syntax.body, &scope, META);
            let address = format!("{address}{}", instance.key.suffix());
            self.blocks.push(Block {
                provider,
                made,
                world: module.world,
                address,
                observed: false,
                fields,
                place: place.clone(),
            });
        }
    }
}

/// Why a module cannot be entered.
pub(super) enum Absent {
    /// It is not part of these files.
    Elsewhere(String),
    /// Something about it is not known.
    Because(String),
}

impl<'a> Evaluator<'a> {
    /// The instances of a module that another one calls.
    pub fn children(&self, module: &Module<'a>, name: &str) -> Result<Vec<Module<'a>>, Absent> {
        let unknown = || Absent::Because(format!("there is no module \"{name}\""));
        let (file, call) = module.index.modules.get(name).ok_or_else(unknown)?;
        let source = call.body.get_attribute("source").and_then(|source| source.value.as_str());
        let dir = local_source(module.dir(), call)
            .ok_or_else(|| Absent::Elsewhere(source.unwrap_or("elsewhere").to_owned()))?;
        let Some((dir, index)) = self.indexes.get_key_value(dir.as_str()) else {
            return Err(Absent::Because(format!(
                "its directory `{dir}` was not given; give the one around it"
            )));
        };
        if module.dirs.contains(dir) {
            return Err(Absent::Because("modules call each other in a circle".into()));
        }
        let address = format!("{}module.{name}", module.path);
        let instances = self.instances(module, *file, call, &address).map_err(|why| {
            Absent::Because(format!("how many there are would have to be worked out: {why}"))
        })?;
        if !self.pay(ENTRY * instances.len()) {
            return Err(Absent::Because(TOO_LARGE.to_owned()));
        }
        let dirs: Vec<&str> = module.dirs.iter().chain([dir]).copied().collect();
        let child = |instance: &Instance| {
            let scope = Scope::new(module, *file, instance.bindings.clone());
            let variables = self.fields(&call.body, &scope, MODULE_META).into_iter().collect();
            let path = format!("{address}{}.", instance.key.suffix());
            Module { index, world: module.world, dirs: dirs.clone(), path, variables: Some(variables) }
        };
        Ok(instances.iter().map(child).collect())
    }

    /// The instances of a resource or module, by its `count` or `for_each`; otherwise why they are not known.
    pub fn instances(
        &self,
        module: &Module<'a>,
        file: FileId,
        syntax: &'a Syntax,
        address: &str,
    ) -> Result<Rc<Vec<Instance>>, String> {
        if let Some(known) = self.unfolded.borrow().get(&(module.world, address.to_owned())) {
            return known.clone();
        }
        let scope = Scope::new(module, file, Fields::new());
        let attribute =
            |name: &str| syntax.body.get_attribute(name).map(|found| self.evaluate(&found.value, &scope));
        let found = match (attribute("count"), attribute("for_each")) {
            (Some(count), _) => counted(&count),
            (None, Some(each)) => items(each, "each").map(|items| {
                let instance = |(key, bindings): (String, Fields)| Instance { key: Key::Name(key), bindings };
                items.into_iter().map(instance).collect()
            }),
            (None, None) => Ok(vec![Instance { key: Key::Only, bindings: Fields::new() }]),
        };
        let found = found.map(Rc::new);
        self.unfolded.borrow_mut().insert((module.world, address.to_owned()), found.clone());
        found
    }

    /// The fields of a body: attributes, and nested blocks as lists of maps under their name.
    pub fn fields(&self, body: &'a Body, scope: &Scope<'_, 'a>, without: &[&str]) -> Fields {
        let mut fields = Fields::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) if !without.contains(&attribute.key.as_str()) => {
                    fields.push((attribute.key.to_string(), self.evaluate(&attribute.value, scope)));
                }
                Structure::Block(block) if block.ident.as_str() == "dynamic" => {
                    self.dynamic(block, scope, &mut fields);
                }
                Structure::Block(block) if !without.contains(&block.ident.as_str()) => {
                    let place = scope.place(block.ident.span());
                    let inside = Val::Map(self.fields(&block.body, scope, &[]));
                    add(&mut fields, block.ident.as_str(), Ok(Node::new(inside, place)));
                }
                _ => {}
            }
        }
        fields
    }

    /// A block that is written once for each item.
    fn dynamic(&self, block: &'a Syntax, scope: &Scope<'_, 'a>, fields: &mut Fields) {
        let Some(label) = block.labels.first().map(hcl_edit::structure::BlockLabel::as_str) else { return };
        let place = scope.place(block.ident.span());
        let iterator = block.body.get_attribute("iterator").map(|found| found.value.to_string());
        let iterator = iterator.as_deref().map_or(label, str::trim);
        let each = block.body.get_attribute("for_each").map(|found| self.evaluate(&found.value, scope));
        let content = block.body.get_blocks("content").next();
        let (Some(each), Some(content)) = (each, content) else {
            add(fields, label, Err(Node::unknown("this `dynamic` has no `for_each` or no `content`", place)));
            return;
        };
        match items(each, iterator) {
            Ok(items) => {
                for (_, bindings) in items {
                    let inside = Val::Map(self.fields(&content.body, &scope.with(bindings), &[]));
                    add(fields, label, Ok(Node::new(inside, place.clone())));
                }
            }
            Err(why) => add(fields, label, Err(Node::unknown(why, place))),
        }
    }
}

/// Adds a nested block to the list of its name; once one of them is not known, neither is the list.
fn add(fields: &mut Fields, name: &str, block: Result<Node, Node>) {
    let known = fields.iter_mut().find(|(key, _)| key == name).map(|(_, node)| node);
    match (known, block) {
        (Some(Node { value: Val::List(items), .. }), Ok(block)) => items.push(block),
        (Some(node), Err(unknown)) => *node = unknown,
        (Some(_), Ok(_)) => {}
        (None, Ok(block)) => {
            let place = block.place.clone();
            fields.push((name.to_owned(), Node::new(Val::List(vec![block]), place)));
        }
        (None, Err(unknown)) => fields.push((name.to_owned(), unknown)),
    }
}

fn counted(count: &Node) -> Result<Vec<Instance>, String> {
    let number = match &count.value {
        Val::Unknown { why, .. } => return Err(why.clone()),
        Val::Number(number) => number.as_u64(),
        Val::Text(text) => text.parse().ok(),
        Val::Bool(flag) => Some(u64::from(*flag)),
        _ => None,
    };
    let number = number.ok_or_else(|| format!("`count` is {}", count.value.noun()))?;
    if number > MOST as u64 {
        return Err(format!("`count` is above {MOST}"));
    }
    let instance = |index: u64| {
        let inside = vec![("index".to_owned(), Node::new(Val::Number(index.into()), count.place.clone()))];
        let bindings = vec![("count".to_owned(), Node::new(Val::Map(inside), count.place.clone()))];
        Instance { key: Key::Index(index), bindings }
    };
    Ok((0..number).map(instance).collect())
}

/// The items of a list or map, each as what the iterator stands for.
fn items(each: Node, iterator: &str) -> Result<Vec<(String, Fields)>, String> {
    let place = each.place;
    let pairs: Vec<(Node, Node)> = match each.value {
        Val::Unknown { why, .. } => return Err(why),
        Val::Map(fields) => {
            fields.into_iter().map(|(key, value)| (Node::text(key, place.clone()), value)).collect()
        }
        // A set's items are their own keys. A list is not allowed for resources, and counts its items for `dynamic`.
        Val::List(items) => items.into_iter().map(|item| (item.clone(), item)).collect(),
        other => return Err(format!("`for_each` is {}", other.noun())),
    };
    if pairs.len() > MOST {
        return Err(format!("`for_each` has more than {MOST} items"));
    }
    let mut found = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let name = match &key.value {
            Val::Text(text) => text.clone(),
            Val::Unknown { why, .. } => return Err(why.clone()),
            _ => found.len().to_string(),
        };
        let inside = vec![("key".to_owned(), key), ("value".to_owned(), value)];
        found.push((name, vec![(iterator.to_owned(), Node::new(Val::Map(inside), place.clone()))]));
    }
    Ok(found)
}
