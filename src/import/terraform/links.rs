//! From the ids of services and spaces, or their addresses in a configuration, to the names people know them by.
//! Knows nothing of what refers to them.

use std::collections::HashMap;

use super::super::node::{Node, Val};
use super::resources::name_field;
use super::{Block, Type};

/// All services and spaces that are known by name.
#[derive(Default)]
pub(super) struct Links {
    by_address: HashMap<String, (Type, Option<String>)>,
    by_id: HashMap<(bool, String), String>,
}

/// What a reference leads to.
pub(super) enum Found<'a> {
    /// The name.
    Name(&'a str),
    /// Another resource, of the wrong type or without a known name.
    Nameless(String),
    /// An id that no resource has.
    Stranger(String),
    /// Something that is no reference at all; reading it as text reports it.
    Other,
}

impl Links {
    pub fn of(blocks: &[Block]) -> Self {
        let mut links = Self::default();
        for block in blocks.iter().filter(|block| matches!(block.made, Type::Service | Type::Space)) {
            let field = |name: &str| block.fields.iter().find(|(key, _)| key == name).map(|(_, node)| node);
            let name = field(name_field(block.made)).and_then(Node::as_text).map(str::to_owned);
            if let (Some(id), Some(name)) = (field("id").and_then(id), &name) {
                links.by_id.insert((block.made == Type::Service, id), name.clone());
            }
            links.by_address.insert(block.address.clone(), (block.made, name));
        }
        links
    }

    /// The name of the service or space that a value refers to.
    pub fn find(&self, made: Type, node: &Node) -> Found<'_> {
        match &node.value {
            Val::Reference(address) => match self.by_address.get(address) {
                Some((of, Some(name))) if *of == made => Found::Name(name),
                _ => Found::Nameless(address.clone()),
            },
            value => match id(&Node::new(value.clone(), node.place.clone())) {
                Some(id) => match self.by_id.get(&(made == Type::Service, id.clone())) {
                    Some(name) => Found::Name(name),
                    None => Found::Stranger(id),
                },
                None => Found::Other,
            },
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
