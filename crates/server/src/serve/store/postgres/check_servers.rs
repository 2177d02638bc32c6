//! The examination of what servers leave each other: lanes and how far they were read, and who does what. Where any of it contradicts the rest, as
//! after tables were restored one by one, servers would wait for nothing, or leave measurements out; each problem says how to mend it.

use crate::serve::store::Report;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// The time, in milliseconds.
const NOW: &str = "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)";

/// Longer than any server is given a duty for, and later than any was heard that is still there, in milliseconds.
const LONG: i64 = 60_000;

/// Lanes are numbers that go up: nothing lies behind the last of them, and nobody has read further.
pub fn lanes(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let mend = "stop the servers and run UPDATE librato_apply.lanes SET seq";
    let sql = "SELECT journal.lane, max(journal.seq) AS seq, max(lanes.seq) AS last
        FROM journal LEFT JOIN lanes ON lanes.lane = journal.lane GROUP BY journal.lane ORDER BY journal.lane";
    for (lane, seq, last) in numbers(tx, sql)? {
        match last {
            Some(last) if seq <= last => {}
            Some(last) => report.problem(format!(
                "the journal has batch {seq} of lane {lane}, which ends with {last}, so alerts do not hear of it: {mend} = {seq} WHERE lane = {lane}"
            )),
            None => report.problem(format!(
                "the journal has batches of lane {lane}, which is not there, so alerts do not hear of them: stop the servers and run INSERT INTO librato_apply.lanes VALUES ({lane}, '', {seq}, 0)"
            )),
        }
    }
    let sql = "SELECT lanes.lane, max(compacted.seq) AS seq, max(lanes.seq) AS last
        FROM lanes JOIN compacted ON compacted.lane = lanes.lane GROUP BY lanes.lane ORDER BY lanes.lane";
    for (lane, seq, last) in numbers(tx, sql)? {
        if last.is_some_and(|last| seq > last) {
            let end = last.unwrap_or_default();
            report.problem(format!(
                "batch {seq} of lane {lane} was compacted, and the lane ends with {end}: {mend} = {seq} WHERE lane = {lane}"
            ));
        }
    }
    left_out(tx, report)
}

/// Who follows the journal has read no further than lanes go, or would leave out what comes.
pub fn tails(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT tails.holder, read.lane, read.seq, lanes.seq AS last
        FROM tails CROSS JOIN LATERAL unnest(tails.lanes, tails.seqs) AS read (lane, seq)
            JOIN lanes ON lanes.lane = read.lane
        WHERE read.seq > lanes.seq ORDER BY tails.holder, read.lane";
    let found = tx.all(sql, params![], |row| {
        let (lane, seq, last): (i64, i64, i64) = (row.get("lane")?, row.get("seq")?, row.get("last")?);
        Ok((row.get::<String>("holder")?, lane, seq, last))
    })?;
    for (holder, lane, seq, last) in found {
        report.problem(format!(
            "`{holder}` has read lane {lane} up to batch {seq}, and the lane ends with {last}, so the next ones would be left out: stop the servers and run DELETE FROM librato_apply.tails WHERE holder = '{holder}'; it goes on from what is stored"
        ));
    }
    Ok(())
}

/// Batches that were given up leave numbers out, which is no fault: a hole is a batch of which nobody was told that it is stored.
fn left_out(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT lanes.lane, lanes.seq - begun.seq - count(DISTINCT journal.seq) AS seq, CAST(NULL AS BIGINT) AS last
        FROM lanes CROSS JOIN LATERAL (
                SELECT coalesce(max(seq), 0) AS seq FROM compacted WHERE compacted.lane = lanes.lane) AS begun
            JOIN journal ON journal.lane = lanes.lane AND journal.seq > begun.seq
        WHERE lanes.lane <> 0 GROUP BY lanes.lane, lanes.seq, begun.seq ORDER BY lanes.lane";
    for (lane, count, _) in numbers(tx, sql)? {
        if count > 0 {
            let batches = if count == 1 { "number" } else { "numbers" };
            report.note(format!(
                "note: lane {lane} leaves {count} {batches} out: batches that were given up or sent again"
            ));
        }
    }
    Ok(())
}

/// A number of each lane, and another one that need not be there.
fn numbers(tx: &Tx<'_>, sql: &str) -> Result<Vec<(i64, i64, Option<i64>)>, StoreError> {
    tx.all(sql, params![], |row| Ok((row.get("lane")?, row.get("seq")?, row.get("last")?)))
}

/// What has to be done is done by one of the servers that are there, if any is. A program that does not say what it does does everything.
pub fn duties(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = format!("SELECT duties FROM nodes WHERE seen > {NOW} - ?1");
    let there: Vec<Option<String>> = tx.all(&sql, params![LONG], |row| row.get("duties"))?;
    for (duty, what) in [("maintenance", "keeps the tables in order"), ("alerts", "evaluates alerts")] {
        let does = |duties: &Option<String>| duties.as_ref().is_none_or(|duties| duties.contains(duty));
        if !there.is_empty() && !there.iter().any(does) {
            report.problem(format!("no server that is there {what}: start one whose --duties have `{duty}`"));
        }
    }
    Ok(())
}

/// A lease is had by a server that is heard, and for a short time. That none is heard says nothing: they may all be stopped.
pub fn leases(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT leases.name, nodes.name AS node, leases.until - {NOW} AS ahead, {NOW} - nodes.seen AS silent,
            (SELECT count(*) FROM nodes WHERE seen > {NOW} - ?1) AS there
        FROM leases LEFT JOIN nodes ON nodes.id = leases.holder
        WHERE leases.holder IS NOT NULL ORDER BY leases.name"
    );
    let found = tx.all(&sql, params![LONG], |row| {
        let (node, silent): (Option<String>, Option<i64>) = (row.get("node")?, row.get("silent")?);
        let (ahead, there): (i64, i64) = (row.get("ahead")?, row.get("there")?);
        Ok((row.get::<String>("name")?, node, silent, ahead, there))
    })?;
    for (name, node, silent, ahead, there) in found {
        let who =
            node.map_or_else(|| "a server that is not there".to_owned(), |node| format!("the server {node}"));
        let free = format!("UPDATE librato_apply.leases SET until = 0 WHERE name = '{name}'");
        if ahead > LONG {
            let minutes = ahead / 60_000;
            report.problem(format!(
                "{who} has the duty `{name}` for {minutes} more minutes, as after a clock was set back, and nobody can take it over until then: run {free}"
            ));
        } else if ahead > 0 && silent.is_none_or(|silent| silent > LONG) {
            report.problem(format!("{who} has the duty `{name}` and is not heard: run {free}"));
        } else if ahead < -3_600_000 && there > 0 {
            let minutes = -ahead / 60_000;
            report.note(format!(
                "note: nobody has done `{name}` for {minutes} minutes, though {there} servers are there"
            ));
        }
    }
    Ok(())
}
