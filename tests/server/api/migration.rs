//! Files that older versions of the program made.

use std::io::Read as _;
use std::path::Path;

use librato_apply::serve::{Clock, Data, Opening, Options, Store, check, router};
use serde_json::{Value, json};

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

/// Whether `found` says all that `expected` says; later versions may say more of an object.
fn holds(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| holds(found, value)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| holds(a, b))
        }
        (Value::Number(found), Value::Number(expected)) => found.as_f64() == expected.as_f64(),
        _ => found == expected,
    }
}

/// What differs on purpose since a file was written: a path, and the keys of what it answers that are not compared.
const CHANGED: &[(&str, &[&str])] = &[];

/// The first schema whose alerts are evaluated.
const WITH_ALERTING: i32 = 8;

/// Every file of `tests/files/`, at the time at which it was made: all that could be read then is read now, before and
/// after it is packed, and the file is sound.
#[tokio::test]
async fn files_of_earlier_versions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "db")).collect();
    assert!(!files.is_empty());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let made: Value =
            serde_json::from_slice(&std::fs::read(file.with_extension("json")).unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        std::fs::copy(&file, &path).unwrap();
        let copy = rusqlite::Connection::open(&path).unwrap();
        let schema: i32 = copy.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        drop(copy);
        let report = check(&path).unwrap();
        assert!(report.is_sound(), "{name} as it is: {report}");
        for (table, count) in made["counts"].as_object().unwrap() {
            assert!(count.as_u64() == report.count(table) || !count.is_u64(), "{table} in {name}: {report}");
        }
        // Opened twice: what was migrated and packed is opened again.
        for round in ["first", "second"] {
            let mut opening = Opening::default();
            opening.clock = Clock::standing_at(made["made_at"].as_i64().unwrap());
            let store = Store::open_with(&Data::File(path.clone()), opening).unwrap();
            let api = Api { router: router(store, credentials(), &Options::default()) };
            for (path, expected) in made["answers"].as_object().unwrap() {
                let found = api.get(path).await.expect(200);
                let mut expected = expected.clone();
                if let (Some((_, keys)), Some(expected)) =
                    (CHANGED.iter().find(|(changed, _)| changed == path), expected.as_object_mut())
                {
                    keys.iter().for_each(|key| _ = expected.remove(*key));
                }
                assert!(
                    holds(&found, &expected),
                    "{path} of {name}, {round} time:\n{found}\nnot\n{expected}"
                );
            }
            drop(api);
            let report = check(&path).unwrap();
            assert!(report.is_sound(), "{name} after the {round} time: {report}");
            assert_eq!(report.count("journal"), Some(0), "{name} is packed: {report}");
            let file = rusqlite::Connection::open(&path).unwrap();
            let held: bool = file.query_row("SELECT held FROM alert_clock", [], |row| row.get(0)).unwrap();
            // Whoever had alerts that nobody evaluated is asked first.
            assert_eq!(held, schema < WITH_ALERTING, "whether nobody is paged by the alerts of {name}");
        }
    }
}
