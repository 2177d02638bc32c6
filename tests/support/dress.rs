//! How the stand-in shows what it keeps: every habit the API allows and `serve` does not have.
//! Which habits a service has follows from its seed, which order a list has from the read as well.

use serde_json::{Map, Value, json};

/// A well mixed number from a seed and a text.
pub fn mix(seed: u64, text: &str) -> u64 {
    let mut hash = seed ^ 0x9e37_79b9_7f4a_7c15;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        hash ^= hash >> 29;
    }
    hash.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (hash >> 31)
}

/// The ways of one service.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    pub seed: u64,
}

impl Habits {
    fn has(self, habit: &str) -> bool {
        mix(self.seed, habit).is_multiple_of(2)
    }

    fn one_of(self, habit: &str, ways: u64) -> u64 {
        mix(self.seed, habit) % ways
    }

    /// The longest page, whatever is asked for.
    pub fn page_length(self) -> usize {
        usize::try_from(2 + self.one_of("page", 9)).unwrap()
    }

    /// Whether an update is answered with the object.
    pub fn put_shows(self) -> bool {
        self.has("put shows")
    }

    /// Whether a creation is answered with a `Location` alone.
    pub fn post_is_terse(self) -> bool {
        self.one_of("terse", 4) == 0
    }

    /// Whether a delete is answered with an empty object rather than nothing.
    pub fn delete_shows(self) -> bool {
        self.has("delete shows")
    }

    /// The status for a name that is taken.
    pub fn taken(self) -> u16 {
        if self.has("taken") { 422 } else { 400 }
    }

    pub fn id(self, id: u64) -> Value {
        if self.has("text ids") { json!(id.to_string()) } else { json!(id) }
    }

    fn number(self, habit: &str, value: &Value) -> Value {
        match (self.one_of(habit, 3), value.as_f64()) {
            (0, Some(number)) => json!(number.to_string()),
            (1, Some(number)) => json!(number),
            _ => value.clone(),
        }
    }

    fn numbers(self, object: &mut Map<String, Value>, keys: &[&str]) {
        for key in keys {
            if let Some(value) = object.get(*key).filter(|value| value.is_number()) {
                let shown = self.number(key, value);
                object.insert((*key).into(), shown);
            }
        }
    }

    fn booleans(self, object: &mut Map<String, Value>, keys: &[&str]) {
        for key in keys.iter().filter(|key| self.one_of(key, 3) == 0) {
            if let Some(value) = object.get(*key).and_then(Value::as_bool) {
                object.insert((*key).into(), value.to_string().into());
            }
        }
    }

    /// The list in an order of its own for every read.
    pub fn shuffled<T>(self, mut list: Vec<T>, read: &str) -> Vec<T> {
        for i in (1..list.len()).rev() {
            let j = mix(self.seed, &format!("{read} {i}")) % (i as u64 + 1);
            list.swap(i, usize::try_from(j).unwrap());
        }
        list
    }

    pub fn metric(self, metric: &Map<String, Value>) -> Value {
        let mut shown = metric.clone();
        spell_nulls(&mut shown, &["display_name", "description", "period", "source_lag"]);
        self.numbers(&mut shown, &["period", "source_lag"]);
        if let Some(attributes) = shown["attributes"].as_object_mut() {
            if self.has("attribute nulls") {
                spell_nulls(attributes, &["color", "display_max", "display_min", "display_transform"]);
            }
            self.numbers(attributes, &["display_max", "display_min"]);
            self.booleans(attributes, &["display_stacked", "aggregate"]);
            attributes.insert("created_by_ua".into(), "somebody/1.0".into());
        }
        shown.insert("x_cardinality".into(), json!({"streams": 7, "as_of": null}));
        shown.into()
    }

    pub fn service(self, id: u64, service: &Map<String, Value>) -> Value {
        let mut shown = service.clone();
        shown.insert("id".into(), self.id(id));
        shown.insert("last_error".into(), Value::Null);
        shown.insert("used".into(), json!([1, 2]));
        shown.into()
    }

    /// `service` gives the object behind an id; `read` names this read.
    pub fn alert(
        self,
        id: u64,
        alert: &Map<String, Value>,
        read: &str,
        service: impl Fn(u64) -> Value,
    ) -> Value {
        let mut shown = alert.clone();
        spell_nulls(&mut shown, &["description", "muted_until"]);
        shown.insert("id".into(), self.id(id));
        self.numbers(&mut shown, &["rearm_seconds"]);
        self.booleans(&mut shown, &["active", "rearm_per_signal", "md"]);
        shown.insert("folder".into(), json!({"id": 3, "path": ["a", "b"]}));
        let list = |key: &str| alert[key].as_array().cloned().unwrap_or_default();
        let conditions: Vec<Value> = list("conditions").iter().map(|raw| self.condition(raw)).collect();
        shown.insert("conditions".into(), self.shuffled(conditions, read).into());
        let services = list("services").into_iter().filter_map(|id| id.as_u64());
        let services: Vec<Value> = services
            .map(|id| match self.one_of("services", 4) {
                0 => json!(id),
                1 => json!(id.to_string()),
                2 => json!({"id": self.id(id)}),
                _ => service(id),
            })
            .collect();
        shown.insert("services".into(), self.shuffled(services, read).into());
        shown.into()
    }

    fn condition(self, raw: &Value) -> Value {
        let mut shown = raw.as_object().unwrap().clone();
        spell_nulls(&mut shown, &["source", "duration", "threshold", "summary_function"]);
        self.numbers(&mut shown, &["threshold", "duration"]);
        shown.entry("tags").or_insert(json!([]));
        shown.entry("detect_reset").or_insert(json!(true));
        shown.insert("updated_at".into(), json!(1_484_594_787));
        shown.into()
    }

    pub fn events(self, by_source: Map<String, Value>) -> Value {
        if self.has("events in a list") { json!([by_source]) } else { by_source.into() }
    }
}

fn spell_nulls(object: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        object.entry(*key).or_insert(Value::Null);
    }
}
