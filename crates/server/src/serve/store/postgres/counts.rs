//! The table of how many objects there are of each kind, which triggers fill (`schema_5.sql`): how its rows are put together, and whether they say what
//! there is.

use crate::serve::store::Report;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// The schema that has it.
pub const SINCE: i64 = 5;

/// Rows of a kind from which on they are put together.
const MANY: i64 = 200;

const TOGETHER: &str = "WITH gone AS (
        DELETE FROM counts WHERE kind IN (SELECT kind FROM counts GROUP BY kind HAVING count(*) > ?1)
        RETURNING kind, n, state)
    INSERT INTO counts (kind, n, state)
    SELECT kind, CAST(sum(n) AS BIGINT), CAST(sum(state) % 9007199254740992 AS BIGINT) FROM gone GROUP BY kind";

/// Counts anew, while nobody writes what is counted or puts rows together. What is counted, the triggers say.
pub const ANEW: &str = "DO $anew$
DECLARE
    listed TEXT[] := ARRAY(SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE tgname = 'counts_made' AND relnamespace = CAST('librato_apply' AS regnamespace) ORDER BY relname);
    one TEXT;
BEGIN
    FOREACH one IN ARRAY listed LOOP
        EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', one);
    END LOOP;
    LOCK TABLE counts IN EXCLUSIVE MODE;
    DELETE FROM counts;
    FOREACH one IN ARRAY listed LOOP
        EXECUTE format('INSERT INTO counts (kind, n, state)
            SELECT %L, count(*), CAST(floor(random() * 9007199254740992) AS BIGINT) FROM %I', one, one);
    END LOOP;
END
$anew$";

/// Puts the rows of each kind together that has many. Whoever reads them sees those before or the one after, and servers that do this at once take
/// different rows.
pub fn put_together(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute(TOGETHER, params![MANY]).map(drop)
}

/// Whether what is counted is there.
pub fn examine(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT kind, (SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM counts WHERE counts.kind = listed.kind) AS n
        FROM (SELECT CAST(relname AS TEXT) AS kind FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
            WHERE tgname = 'counts_made' AND relnamespace = CAST('librato_apply' AS regnamespace)) AS listed
        ORDER BY kind";
    for (kind, counted) in
        tx.all(sql, params![], |row| Ok((row.get::<String>("kind")?, row.get::<i64>("n")?)))?
    {
        let there = format!("SELECT count(*) AS n FROM {kind}");
        let there = tx.one(&there, params![], |row| row.get("n"))?.unwrap_or(0_i64);
        if there != counted {
            report.problem(format!(
                "lists say that there are {counted} {kind}, and there are {there}: `serve upgrade` counts them anew"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{another, store_with, target};
    use super::super::{check, upgrade};
    use super::*;
    use crate::serve::store::page::{Filter, PageRequest, page};
    use crate::serve::store::{Opening, Store};

    /// What happens to a list, or is asked of it.
    #[derive(Debug, Clone)]
    enum Step {
        Make(u8),
        /// A statement that makes many, some of which are there.
        MakeMany(u8),
        Rename(u8, u8),
        Describe(u8),
        Delete(u8),
        /// What is begun and taken back.
        Fail(u8),
        PutTogether,
        Read {
            second: bool,
            offset: i64,
            length: i64,
            descending: bool,
            filter: Option<&'static str>,
        },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let read = (
            any::<bool>(),
            0_i64..60,
            0_i64..20,
            any::<bool>(),
            prop_oneof![Just(None), Just(Some("1")), Just(Some("x")), Just(Some("0"))],
        );
        let read = read.prop_map(|(second, offset, length, descending, filter)| Step::Read {
            second,
            offset,
            length,
            descending,
            filter,
        });
        let step = prop_oneof![
            4 => any::<u8>().prop_map(Step::Make),
            2 => any::<u8>().prop_map(Step::MakeMany),
            2 => (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Step::Rename(from, to)),
            2 => any::<u8>().prop_map(Step::Describe),
            2 => any::<u8>().prop_map(Step::Delete),
            1 => any::<u8>().prop_map(Step::Fail),
            1 => Just(Step::PutTogether),
            14 => read,
        ];
        proptest::collection::vec(step, 1..120)
    }

    fn key(n: u8) -> String {
        format!("source {:02}", n % 80)
    }

    const MAKE: &str = "INSERT INTO sources (key, name) VALUES (?1, ?1) ON CONFLICT DO NOTHING";

    fn change(tx: &Tx<'_>, step: &Step) -> Result<(), StoreError> {
        match step {
            Step::Make(n) => tx.execute(MAKE, params![key(*n)]),
            Step::MakeMany(n) => {
                let keys: Vec<String> = (0..30).map(|more| key(n.wrapping_add(more))).collect();
                let sql =
                    "INSERT INTO sources (key, name) SELECT key, key FROM unnest(CAST(?1 AS TEXT[])) AS key
                    ON CONFLICT DO NOTHING";
                tx.execute(sql, params![keys])
            }
            Step::Rename(from, to) => {
                let sql = "UPDATE sources SET key = ?2 WHERE key = ?1
                    AND NOT EXISTS (SELECT 1 FROM sources WHERE key = ?2)";
                tx.execute(sql, params![key(*from), key(*to)])
            }
            Step::Describe(n) => {
                let sql = "UPDATE sources SET display_name = 'x' WHERE key = ?1";
                tx.execute(sql, params![key(*n)])
            }
            Step::Delete(n) => tx.execute("DELETE FROM sources WHERE key = ?1", params![key(*n)]),
            Step::Fail(n) => {
                tx.execute(MAKE, params![key(*n)])?;
                return Err(StoreError::Taken);
            }
            Step::PutTogether | Step::Read { .. } => return Ok(()),
        }
        .map(drop)
    }

    const SEARCHED: [&str; 2] = ["key", "coalesce(display_name, '')"];

    /// Ids, how many are found, and how many there are.
    type Answer = (Vec<i64>, i64, i64);

    /// By reading all of it.
    fn expected(tx: &Tx<'_>, request: &PageRequest) -> Result<Answer, StoreError> {
        let sql = "SELECT id, key, coalesce(display_name, '') AS display_name FROM sources ORDER BY key";
        let row = |id, key: String, display_name: String| (id, [key, display_name]);
        let mut all =
            tx.all(sql, params![], |one| Ok(row(one.get("id")?, one.get("key")?, one.get("display_name")?)))?;
        let total = all.len() as i64;
        if let Some((text, _)) = &request.filter {
            all.retain(|(_, texts)| texts.iter().any(|one| one.contains(text)));
        }
        let found = all.len() as i64;
        if request.descending {
            all.reverse();
        }
        let page = all.into_iter().map(|(id, _)| id).skip(request.offset as usize);
        Ok((page.take(request.length as usize).collect(), found, total))
    }

    async fn run(stores: &[Store; 2], step: Step) {
        if let Step::Read { second, offset, length, descending, filter } = step {
            let filter = filter.map(|text| (text.to_owned(), Filter::Part(&SEARCHED)));
            let request = PageRequest { offset, length, order: "key", descending, filter };
            let read = move |tx: &Tx<'_>| {
                let page = page(tx, "sources", &request, |row| row.get("id"))?;
                Ok::<_, StoreError>(((page.items, page.found, page.total), expected(tx, &request)?))
            };
            let (listed, expected) = stores[usize::from(second)].read(read).await.unwrap();
            assert_eq!(listed, expected);
        } else if let Step::PutTogether = step {
            stores[0].write(|tx: &Tx<'_>| tx.execute(TOGETHER, params![3_i64])).await.unwrap();
        } else {
            let fails = matches!(step, Step::Fail(_));
            let done = stores[1].write(move |tx: &Tx<'_>| change(tx, &step)).await;
            assert_eq!(done.is_err(), fails);
        }
    }

    /// As they are where only the data of a dump are restored, into tables that count them once more.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_counted_wrongly_is_counted_anew() {
        let Some((store, address)) = store_with(Opening::default()) else { return };
        let spoil = |tx: &Tx<'_>| {
            tx.execute(MAKE, params!["one"])?;
            tx.execute("INSERT INTO streams (key, name) VALUES ('one', 'one')", params![])?;
            tx.execute("DELETE FROM counts WHERE kind = 'streams'", params![])?;
            tx.execute("INSERT INTO counts (kind, n, state) VALUES ('sources', 5, 1)", params![])
        };
        store.write(spoil).await.unwrap();
        let problems = || format!("{:?}", check::check(&target(&address), &[]).unwrap());
        let said = problems();
        for wrong in ["6 sources", "0 streams"] {
            assert!(
                said.contains(&format!("there are {wrong}, and there are 1: `serve upgrade` counts")),
                "{said}"
            );
        }
        upgrade(&target(&address), false).unwrap();
        assert!(check::check(&target(&address), &[]).unwrap().is_sound(), "{}", problems());
        let request = PageRequest { offset: 0, length: 9, order: "key", descending: false, filter: None };
        let read = move |tx: &Tx<'_>| page(tx, "sources", &request, |row| row.get::<i64>("id"));
        let listed = store.read(read).await.unwrap();
        assert_eq!((listed.items.len(), listed.found, listed.total), (1, 1, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]

        /// Whichever server is asked, after whatever the other did.
        #[test]
        fn lists_are_what_they_are_when_all_is_read(steps in steps()) {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let Some((store, address)) = store_with(Opening::default()) else { return };
                let stores = [store, another(&address)];
                for step in steps {
                    run(&stores, step).await;
                }
                let report = check::check(&target(&address), &[]).unwrap();
                assert!(report.is_sound(), "{report:?}");
            });
        }
    }
}
