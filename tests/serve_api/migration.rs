//! A file that an older version of the program made.

use std::io::Read as _;

use librato_apply::serve::{Data, Options, Store, router};
use serde_json::json;

use crate::harness::{Api, column, credentials, epoch};

/// Schema 1: a gauge with a source and with a tag, a counter, a service, an alert and an annotation.
const SCHEMA_1: &[u8] = include_bytes!("schema-1.db.gz");

/// A row of the journal as that version wrote it: one gauge of the first series, one counter of the second.
fn journal_row(time: i64) -> Vec<u8> {
    let varint = |mut value: i64| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    [&[1, 2, 2][..], &varint(time << 1), &[0], &12.5_f64.to_le_bytes(), &[2, 0, 0], &7_f64.to_le_bytes()]
        .concat()
}

#[tokio::test]
async fn schema_1() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(SCHEMA_1).read_to_end(&mut bytes).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let time = epoch() - 60;
    let file = rusqlite::Connection::open(&path).unwrap();
    let sql = "INSERT INTO journal (received_at, block) VALUES (?1, ?2)";
    file.execute(sql, rusqlite::params![time, journal_row(time)]).unwrap();
    drop(file);
    // Opened twice: what was migrated and packed is opened again.
    for _ in 0..2 {
        let store = Store::open(&Data::File(path.clone())).unwrap();
        let api = Api { router: router(store, credentials(), &Options::default()) };
        let read = api.get("/v1/metrics/shop.ms?count=1&resolution=1").await.expect(200);
        assert_eq!(read["measurements"]["Web-1"][0]["value"], 12.5);
        assert_eq!(read["measurements"]["Web-1"][0]["measure_time"], time);
        let read = api.get("/v1/metrics/shop.hits?count=1").await.expect(200);
        assert_eq!(read["measurements"], json!({"web-2": [{"measure_time": time, "value": 7.0}]}));
        assert_eq!(api.get("/v1/alerts/shop.slow").await.expect(200)["services"][0]["title"], "ops");
        let events = api.get("/v1/annotations/deploys?count=1").await.expect(200);
        assert_eq!(events["events"]["unassigned"][0]["title"], "v91");
        let metrics = api.get("/v1/metrics").await.expect(200);
        assert_eq!(column(&metrics, "metrics", "name"), ["shop.hits", "shop.ms"]);
    }
}
