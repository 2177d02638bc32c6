//! What stands inside of what: the charts of a space among all objects.

use super::{Address, Chart, Collection, Field, NamedChart, Resource, Space, State};

/// An object with all that goes when it is deleted: a space with the charts it holds, in the order of their names.
pub fn with_contents(address: &Address, object: &Resource, state: &State) -> Resource {
    let Resource::Space(space) = object else { return object.clone() };
    let charts = charts_of(address, state);
    let charts: Vec<NamedChart> =
        charts.map(|(name, chart)| NamedChart { name: name.to_owned(), chart: chart.clone() }).collect();
    let charts = if charts.is_empty() { Field::Unset } else { Field::Set(charts) };
    Resource::Space(Space { charts, ..space.clone() })
}

/// What stands inside an object that has all that goes when it is deleted.
pub fn contents(address: &Address, object: &Resource) -> Vec<Address> {
    let Resource::Space(space) = object else { return Vec::new() };
    let charts = space.charts.value().into_iter().flatten();
    charts.map(|chart| Address::chart(&address.name, &chart.name)).collect()
}

/// The charts of a space.
pub fn charts_of<'a>(space: &'a Address, state: &'a State) -> impl Iterator<Item = (&'a str, &'a Chart)> {
    let inside = move |(address, object): (&'a Address, &'a Resource)| match object {
        Resource::Chart(chart) if address.parent.as_ref() == Some(&space.name) => {
            Some((address.name.as_str(), chart))
        }
        _ => None,
    };
    let held = space.collection == Collection::Spaces;
    state.iter().filter(move |_| held).filter_map(inside)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::Kind;

    #[test]
    fn a_space_that_goes_takes_its_charts_along() {
        let chart =
            |label: &str| Resource::Chart(Chart { label: Field::Set(label.into()), ..Chart::default() });
        let state = State::from([
            (Address::space("A"), Resource::Space(Space::default())),
            (Address::chart("A", "x"), chart("ms")),
            (Address::chart("B", "y"), chart("s")),
        ]);
        let whole = with_contents(&Address::space("A"), &state[&Address::space("A")], &state);
        assert_eq!(Value::Object(whole.fields()), json!({"charts": [{"name": "x", "label": "ms"}]}));
        assert_eq!(contents(&Address::space("A"), &whole), [Address::chart("A", "x")]);
        assert_eq!(Resource::from_fields(Kind::Space, &whole.fields()), Ok(whole));
    }
}
