//! Objects with an id, or a token in its place, in plain lists.

use serde_json::{Value, json};

use super::model::same;

/// The kinds of objects that have an id, or a token in its place.
pub const OBJECTS: &[&str] =
    &["spaces", "services", "alerts", "instruments", "dashboards", "charts", "api_tokens"];

/// One of them.
pub struct Made {
    pub kind: &'static str,
    /// Its place in the path.
    pub id: String,
    /// What it is listed under.
    pub name: String,
    pub updated_at: i64,
    /// Those of a dashboard.
    instruments: Vec<i64>,
}

#[derive(Default)]
pub struct Objects {
    /// In order of creation.
    pub all: Vec<Made>,
    /// Space, id and name.
    pub charts: Vec<(i64, i64, String)>,
}

impl Objects {
    fn position(&self, kind: &str, at: usize) -> Option<usize> {
        let of_kind: Vec<usize> = (0..self.all.len()).filter(|index| self.all[*index].kind == kind).collect();
        of_kind.get(at % of_kind.len().max(1)).copied()
    }

    /// The id of the object of a kind, counted from the oldest.
    pub fn id(&self, kind: &str, at: usize) -> Option<String> {
        self.position(kind, at).map(|index| self.all[index].id.clone())
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.all.iter().any(|one| one.kind == kind && same(&one.name, name))
    }

    /// What makes an object of a kind, and what it is answered with.
    pub fn body_of(&self, kind: &str, name: &str) -> (Value, u16) {
        let instruments: Vec<i64> = self
            .all
            .iter()
            .filter(|one| one.kind == "instruments")
            .map(|one| one.id.parse().unwrap())
            .collect();
        match kind {
            "services" => {
                (json!({"type": "slack", "title": name, "settings": {"url": "https://example.org"}}), 201)
            }
            "api_tokens" => (json!({"name": name, "role": "viewer"}), 201),
            "dashboards" => (json!({"name": name, "instruments": instruments}), 201),
            "charts" => {
                let entity = instruments.last().copied().unwrap_or(9999);
                let body = json!({"entity_type": "instrument", "entity_id": entity});
                (body, if instruments.is_empty() { 400 } else { 201 })
            }
            // Names of alerts are unique.
            "alerts" => (json!({ "name": name }), if self.has("alerts", name) { 422 } else { 201 }),
            _ => (json!({ "name": name }), 201),
        }
    }

    pub fn add(&mut self, kind: &'static str, name: &str, shown: &Value) {
        let token = shown["token"].as_str().filter(|_| kind == "charts");
        let ids = shown["instruments"].as_array().into_iter().flatten();
        self.all.push(Made {
            kind,
            id: token.map_or_else(|| shown["id"].to_string(), str::to_owned),
            name: token.unwrap_or(name).to_owned(),
            updated_at: shown["updated_at"].as_i64().unwrap_or_default(),
            instruments: ids.map(|one| one["id"].as_i64().unwrap()).collect(),
        });
    }

    /// What a new name is answered with.
    pub fn renaming(&self, kind: &str, at: usize, name: &str) -> u16 {
        let index = self.position(kind, at).unwrap();
        match kind {
            "alerts" if !same(&self.all[index].name, name) && self.has(kind, name) => 422,
            "api_tokens" => 200,
            _ => 204,
        }
    }

    pub fn renamed(&mut self, kind: &str, at: usize, name: &str, updated_at: Option<i64>) {
        let index = self.position(kind, at).unwrap();
        self.all[index].name = name.to_owned();
        self.all[index].updated_at = updated_at.unwrap_or_default();
    }

    /// Deletes an object and what belongs to it.
    pub fn delete(&mut self, kind: &str, at: usize) {
        let gone = self.all.remove(self.position(kind, at).unwrap());
        let Ok(id) = gone.id.parse::<i64>() else { return };
        match kind {
            "spaces" => self.charts.retain(|(space, _, _)| *space != id),
            "instruments" => {
                self.all.iter_mut().for_each(|board| board.instruments.retain(|one| *one != id));
            }
            _ => {}
        }
    }

    pub fn charts_of(&self, space: &str) -> Vec<(i64, String)> {
        let own = self.charts.iter().filter(|(of, _, _)| of.to_string() == space);
        own.map(|(_, id, name)| (*id, name.clone())).collect()
    }

    pub fn instruments_of(&self, dashboard: i64) -> Vec<String> {
        let board =
            self.all.iter().find(|one| one.kind == "dashboards" && one.id == dashboard.to_string()).unwrap();
        board.instruments.iter().map(ToString::to_string).collect()
    }
}
