//! From the ids of services and spaces, or their addresses in a configuration, to the names they have here.
//! Knows nothing of what refers to them.

use std::collections::HashMap;

use super::super::node::{Node, Val};
use super::block::{Block, Type};

/// All services and spaces: first as they stand in the files, then by the names they were given.
pub(super) struct Links {
    all: Vec<Target>,
    by_address: HashMap<(usize, String), usize>,
    by_id: HashMap<(Type, String), Vec<usize>>,
}

struct Target {
    world: usize,
    made: Type,
    address: String,
    /// Its name here; `None` where it is left out.
    name: Option<String>,
}

/// What a reference leads to.
pub(super) enum Found<'a> {
    /// The name; and the address of the object where only another root or state has its id.
    Name(&'a str, Option<&'a str>),
    /// No object here, and why not.
    Nothing(String),
    /// An id that no resource has.
    Stranger(String),
    /// Something that is no reference at all; reading it as text reports it.
    Other,
}

impl Links {
    pub fn of(blocks: &[Block]) -> Self {
        let mut links = Self { all: Vec::new(), by_address: HashMap::new(), by_id: HashMap::new() };
        for block in blocks {
            let at = links.all.len();
            links.by_address.insert((block.world, block.address.clone()), at);
            let id_field = block.fields.iter().find(|(key, _)| key == "id");
            if let Some(id) = id_field.and_then(|(_, node)| id(node)) {
                links.by_id.entry((block.made, id)).or_default().push(at);
            }
            let (world, made, address) = (block.world, block.made, block.address.clone());
            links.all.push(Target { world, made, address, name: None });
        }
        links
    }

    /// Says by which name the block of this address can be referred to.
    pub fn settle(&mut self, world: usize, address: &str, name: Option<String>) {
        if let Some(at) = self.by_address.get(&(world, address.to_owned())) {
            self.all[*at].name = name;
        }
    }

    /// The name of the service or space that a value refers to. An address means something in its own world only; an id as well,
    /// but where the world does not have it.
    pub fn find(&self, world: usize, made: Type, node: &Node) -> Found<'_> {
        if let Val::Reference(address) = &node.value {
            return match self.by_address.get(&(world, address.clone())).and_then(|at| self.all.get(*at)) {
                Some(target) if target.made == made => target.found(false),
                _ => Found::Nothing(format!("{address} is not one")),
            };
        }
        let Some(id) = id(node) else { return Found::Other };
        let all = self.by_id.get(&(made, id.clone())).map_or(&[][..], Vec::as_slice);
        let targets = || all.iter().filter_map(|at| self.all.get(*at));
        let own: Vec<&Target> = targets().filter(|target| target.world == world).collect();
        let elsewhere = own.is_empty();
        let found = if elsewhere { targets().collect() } else { own };
        match found.as_slice() {
            [] => Found::Stranger(id),
            [target] => target.found(elsewhere),
            _ => Found::Nothing(format!("several resources here have the id {id}")),
        }
    }
}

impl Target {
    fn found(&self, elsewhere: bool) -> Found<'_> {
        match &self.name {
            Some(name) => Found::Name(name, elsewhere.then_some(&self.address)),
            None => Found::Nothing(format!("{} is left out", self.address)),
        }
    }
}

/// An id, which stands as a number or as a text.
fn id(node: &Node) -> Option<String> {
    match &node.value {
        Val::Text(text) if !text.is_empty() => Some(text.clone()),
        Val::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
