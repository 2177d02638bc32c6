//! Instruments, the charts of old dashboards: `/v1/instruments`.

mod table;

use serde_json::Value;

pub use self::table::Instrument;
use crate::serve::catalog::metrics::kinds::Kinds;
use crate::serve::catalog::spaces::stream;
use crate::serve::changes::crud::Crud;
use crate::serve::http::bounds;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::paging::Orders;
use crate::serve::http::role::Role;
use crate::serve::refusal::{Errors, Refusal};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx};

/// Deleting one also takes it off every dashboard.
impl Crud for Instrument {
    const TABLE: &'static str = "instruments";
    const ORDERS: Orders = &[("updated_at", "updated_at")];
    const NAMED: bool = false;

    fn from_row(row: &Row<'_>) -> Result<Instrument, StoreError> {
        Instrument::from_row(row)
    }

    fn complete(tx: &Tx<'_>, all: Vec<Instrument>) -> Result<Vec<Instrument>, StoreError> {
        table::complete(tx, all)
    }

    fn find(tx: &Tx<'_>, id: i64) -> Result<Instrument, Refusal> {
        table::find(tx, id)
    }

    fn merge(&mut self, tx: &Tx<'_>, body: &Object) -> Result<(), Refusal> {
        merge(tx, self, body)
    }

    fn shown(&self, _: Role) -> Value {
        Instrument::shown(self)
    }
}

/// Lays a body over the instrument: attributes and streams are replaced when they are sent.
fn merge(tx: &Tx<'_>, instrument: &mut Instrument, body: &Object) -> Result<(), Refusal> {
    bounds::check(body, &["name"])?;
    let kinds = Kinds::of(tx, body)?;
    let mut read = Reader::new(body);
    read.name("name", &mut instrument.name);
    match read.object("attributes") {
        Given::Absent => {}
        Given::Null => instrument.attributes.clear(),
        Given::Value(sent) => instrument.attributes = sent.clone(),
    }
    match read.list("streams") {
        Given::Absent => {}
        Given::Null => instrument.streams.clear(),
        Given::Value(sent) => {
            let mut errors = Errors::default();
            instrument.streams = stream::read_all(&sent, &|name: &str| kinds.kind(name), &mut errors);
            read.errors.nest("streams", errors);
        }
    }
    // An id of a stream the client echoes was given to the stream it replaces.
    instrument.streams.iter_mut().for_each(|stream| _ = stream.shift_remove("id"));
    read.finish()?;
    bounds::whole(&instrument.shown())
}
