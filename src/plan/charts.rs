//! The order of charts in their space: that of their creation, which nothing changes afterwards.
//! Knows nothing of what charts are.

use crate::diag::{Code, Diagnostic, Files, Part, Report, Route};
use crate::model::{Address, ChartOrder, Desired};

/// The place of a chart among those its space declares.
pub fn rank(address: &Address, desired: &Desired) -> u32 {
    let declared = address.parent.as_ref().and_then(|space| desired.chart_order.get(space));
    let place = declared.and_then(|names| names.iter().position(|name| *name == address.name));
    place.map_or(0, |place| u32::try_from(place).unwrap_or(u32::MAX))
}

/// Notes spaces that show their charts in another order than the files; `actual` is the order of the service.
pub fn note_other_orders(desired: &Desired, actual: &ChartOrder, files: &Files, report: &mut Report) {
    for (space, declared) in &desired.chart_order {
        let address = Address::space(space);
        let Some(entry) = desired.objects.get(&address) else { continue };
        let shown = actual.get(space).or_else(|| actual.get(entry.renamed_from.as_ref()?));
        let place_of = |name: &String| {
            let old = desired.objects.get(&Address::chart(space, name))?.renamed_from.as_ref();
            shown?.iter().position(|shown| shown == name || Some(shown) == old)
        };
        let places: Vec<usize> = declared.iter().filter_map(place_of).collect();
        if places.is_sorted() {
            continue;
        }
        let message = format!("the service shows the charts of space \"{address}\" in another order");
        report.push(
            Diagnostic::note(Code::ChartOrder, message)
                .at(entry.origin.place(files, &Route::root().key("charts"), Part::Key), "")
                .help("the order is that of their creation; to change it, delete the space and apply again"),
        );
    }
}
