//! Servers that share a duty that is divided: who comes gets its part, what who goes had is taken up, and each group has one owner.

use super::*;
use crate::serve::store::postgres::{LEVEL, upgrade};

const ALERTS: &str = "alerts";

/// Into how many groups alerts are divided.
const GROUPS: i64 = 64;

/// A server that wants a share of alerts.
fn sharing(address: &str) -> Server {
    let server = Server::new(address);
    server.member.want_share(ALERTS);
    server
}

impl Server {
    fn divided(&self) -> Divided {
        Divided(Duty { member: Some(Arc::clone(&self.member)), name: ALERTS.into() })
    }

    /// Is heard, and leaves to others what it has too much of.
    fn goes_on(&self) {
        self.beat();
        if let Some(group) = self.member.take_surplus(ALERTS) {
            self.member.let_go(ALERTS, group).unwrap();
        }
        assert_eq!(self.member.take_surplus(ALERTS), None, "one at each beat");
    }

    fn count(&self) -> usize {
        self.divided().held().tokens.len()
    }

    /// Others hear it no more, and its leases run out.
    fn is_gone(&self) {
        let id = self.member.id();
        self.sql(&format!("UPDATE nodes SET seen = 0 WHERE id = {id}"));
        self.sql(&format!("UPDATE leases SET until = 0 WHERE holder = {id}"));
    }
}

/// How many groups each has, of which none may be had twice.
fn counts(servers: &[&Server]) -> Vec<usize> {
    let mut all: Vec<i64> =
        servers.iter().flat_map(|server| server.divided().held().tokens.into_keys()).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "a group is had twice");
    servers.iter().map(|server| server.count()).collect()
}

fn settle(servers: &[&Server]) -> Vec<usize> {
    for _ in 0..GROUPS {
        servers.iter().for_each(|server| server.goes_on());
        counts(servers);
    }
    let mut counts = counts(servers);
    counts.sort_unstable();
    assert_eq!(counts.iter().sum::<usize>(), 64, "each group has an owner");
    counts
}

#[test]
fn servers_have_equal_shares_whoever_comes_and_goes() {
    let Some(address) = test_server::fresh(|model| connect(model, &Clock::system()).close()) else { return };
    let servers: Vec<Server> = (0..3).map(|_| sharing(&address)).collect();
    let [one, two, three] = servers.as_slice() else { panic!() };
    assert_eq!((one.divided().held().of, one.count()), (1, 0), "it has not been heard yet");
    one.beat();
    assert_eq!((one.divided().held().of, one.count()), (GROUPS, 64), "who is alone has all of it");
    two.beat();
    one.beat();
    assert_eq!(one.count(), 64, "until they are given back");
    let group = one.member.take_surplus(ALERTS).unwrap();
    let before = one.divided().held();
    one.member.let_go(ALERTS, group).unwrap();
    assert!(!one.divided().held().keeps(&before, group), "it is gone at once");
    two.beat();
    assert_eq!((one.count(), two.count()), (63, 1));
    assert!(two.divided().held().has(group) && !one.divided().held().has(group));
    assert_eq!(settle(&[one, two, three]), [20, 22, 22]);

    let four = sharing(&address);
    assert_eq!(settle(&[one, two, three, &four]), [16, 16, 16, 16]);
    // One is told to stop, which needs no time to run out.
    two.member.give_back(ALERTS).unwrap();
    for server in [one, three, &four] {
        server.goes_on();
    }
    assert_eq!(counts(&[one, three, &four]).iter().sum::<usize>(), 64, "all is taken up in one beat");
    assert_eq!(settle(&[one, three, &four]), [20, 22, 22]);

    // And one dies.
    four.is_gone();
    for server in [one, three] {
        server.goes_on();
    }
    assert_eq!(counts(&[one, three]), [32, 32], "likewise");
}

/// Of what a transaction goes by, one group was given to another server: nothing of it is written, and only that group is forgotten.
#[test]
fn a_transaction_is_refused_where_any_of_its_groups_was_given_away() {
    let Some(address) = test_server::fresh(|model| connect(model, &Clock::system()).close()) else { return };
    let one = sharing(&address);
    one.beat();
    let share = one.divided().held();
    let tokens: Vec<Token> = share.tokens.values().cloned().collect();
    let writes = |some: &[Token]| one.store.apart(|tx| Token::fence_all(some, tx)).is_ok();
    assert!(writes(&tokens) && writes(&[]));
    one.sql("UPDATE leases SET token = token + 1, holder = 1 WHERE name = 'alerts/7'");
    assert!(writes(&[tokens[6].clone(), tokens[8].clone()]), "what it still has");
    assert!(!writes(&tokens) && !writes(&tokens[7..8]));
    let now = one.divided().held();
    assert_eq!((now.tokens.len(), now.has(7), now.has(64 + 8)), (63, false, true));
    assert!(now.keeps(&share, 8) && !now.keeps(&share, 7));
}

/// Servers of this version over tables of the one before, whose servers evaluate all alerts or none.
#[test]
fn until_the_upgrade_one_server_has_all_alerts_and_then_each_its_share() {
    let Some(address) = test_server::fresh(|model| connect(model, &Clock::system()).close()) else { return };
    let (one, two) = (sharing(&address), sharing(&address));
    for sql in [
        "UPDATE meta SET schema = 3, oldest_reader = 1, writes_level = 3",
        "DELETE FROM alert_clock WHERE id > 1",
        "ALTER TABLE leases DROP CONSTRAINT alerts_have_groups",
        "DROP FUNCTION count_changes CASCADE",
        "DROP TABLE counts",
    ] {
        one.sql(sql);
    }
    one.beat();
    two.beat();
    let (before, other) = (one.divided().held(), two.divided().held());
    assert_eq!((before.of, before.tokens.len(), other.tokens.len()), (1, 1, 0));
    assert_eq!(
        one.sql_number("SELECT count(*) FROM leases WHERE name = 'alerts'"),
        1,
        "as older servers know it"
    );
    let target = Postgres::new(&address, &Connecting::default()).unwrap().that_may_forget();
    one.sql("UPDATE nodes SET level = 3");
    assert!(upgrade(&target, false).is_err(), "an older one would evaluate all alerts");
    one.sql(&format!("UPDATE nodes SET level = {LEVEL}"));
    upgrade(&target, false).unwrap();
    let token = before.tokens[&0].clone();
    assert!(!one.writes(&token), "nobody has all of them any more");
    assert!(
        one.store
            .apart(|tx| tx.execute("INSERT INTO leases VALUES ('alerts', 1, 1, 0, 0)", params![]))
            .is_err()
    );
    assert_eq!(settle(&[&one, &two]), [32, 32]);
}
