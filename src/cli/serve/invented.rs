//! Invented measurements of the examples `quickstart` and `shop`: days that rise and fall, an outage some hours ago, and a web server that is
//! slow when the demo begins and every hour and a half from then on. Pure; the same minute always has the same values.

use serde_json::{Value, json};

/// Hours there are of it when the demo begins.
pub const HOURS: i64 = 12;

/// Minutes around the start, from and until, in which a web server was slow and requests failed.
const OUTAGE: (i64, i64) = (-222, -175);
/// In which another one was not quick.
const UNEASY: (i64, i64) = (-130, -117);
/// And for a moment.
const MOMENT: (i64, i64) = (-345, -342);
/// The slowness that fires: it begins before the start, and comes back.
const SLOW_SINCE: i64 = -11;
const SLOW_FOR: i64 = 36;
const EVERY: i64 = 90;

const WEB: [&str; 3] = ["web-1", "web-2", "web-3"];

/// What has been counted so far, and when the demo began.
pub struct Invented {
    start: i64,
    counted: Vec<(String, f64)>,
}

impl Invented {
    /// `start` in epoch seconds.
    pub fn new(start: i64) -> Invented {
        Invented { start: start - start.rem_euclid(60), counted: Vec::new() }
    }

    /// The first minute.
    pub fn first(&self) -> i64 {
        self.start - HOURS * 3_600
    }

    /// What is measured at a whole minute. Minutes are asked for in their order, since counters only grow.
    pub fn minute(&mut self, time: i64) -> Body {
        let now = Moment { time, minute: (time - self.start) / 60 };
        let mut body = Body { time, gauges: Vec::new(), counters: Vec::new(), tagged: Vec::new() };
        self.site(&now, &mut body);
        self.shop(&now, &mut body);
        body
    }

    fn site(&mut self, now: &Moment, body: &mut Body) {
        for (n, web) in (0_u64..).zip(WEB) {
            let load = 340.0 * now.day() + 30.0 * now.noise(n);
            let failing = if now.is_in(OUTAGE) { 0.011 } else { 0.003 };
            self.count(body, "site.requests", web, load);
            self.count(body, "site.errors", web, load * failing * (0.7 + 0.6 * now.noise(10 + n)));
            let slow = match n {
                1 => 950.0 * now.trouble(),
                2 if now.is_in(UNEASY) => 320.0,
                _ => 0.0,
            };
            body.gauge("site.response.ms", web, 240.0 + 90.0 * now.day() + 70.0 * now.noise(20 + n) + slow);
            body.gauge("site.heartbeat", web, 1.0);
            if now.time % 300 == 0 {
                let free = 62.0 - 13.0 * n as f64 - now.time.rem_euclid(86_400) as f64 / 9_000.0;
                body.gauge("host.disk.free.percent", web, free + 0.2 * now.noise(30 + n));
            }
        }
    }

    fn shop(&mut self, now: &Moment, body: &mut Body) {
        for (n, web) in (40_u64..).zip(WEB) {
            let web = format!("development-{web}");
            let load = 210.0 * now.day() + 20.0 * now.noise(n);
            self.count(body, "shop.web.requests", &web, load);
            self.count(body, "shop.web.errors", &web, load * 0.004 * now.noise(10 + n));
            let slow = if n == 41 { 700.0 * now.trouble() } else { 0.0 };
            body.gauge("shop.web.response.ms", &web, 280.0 + 80.0 * now.noise(20 + n) + slow);
            body.gauge("shop.web.heartbeat", &web, 1.0);
        }
        let started = (14.0 * now.day() + 6.0 * now.noise(70)).round();
        body.gauge("shop.checkout.started", "development-web-1", started);
        body.gauge(
            "shop.checkout.completed",
            "development-web-1",
            (started * (0.35 + 0.2 * now.noise(71))).ceil(),
        );
        let slow = if now.is_in(OUTAGE) { 2_900.0 } else { 600.0 * now.trouble() };
        body.gauge("shop.checkout.ms", "development-web-1", 900.0 + 500.0 * now.noise(72) + slow);
        body.gauge("shop.basket.value.eur", "development-web-1", 42.0 + 25.0 * now.noise(73));
        body.gauge(
            "shop.db.connections",
            "development-db-1",
            (150.0 * now.day() + 30.0 * now.noise(74)).round(),
        );
        body.gauge("shop.db.replica.lag.s", "development-db-1", 1.0 + 4.0 * now.noise(75) * now.noise(76));
        body.gauge("shop.payments.card.ms", "development-web-1", 480.0 + 260.0 * now.noise(77));
        body.gauge("shop.payments.transfer.ms", "development-web-1", 1_300.0 + 700.0 * now.noise(78));
        for (n, (queue, usual)) in
            (80_u64..).zip([("email", 900.0), ("invoices", 140.0), ("search-index", 2_400.0)])
        {
            let waiting = usual * (0.4 + now.day() * 0.5 + 0.3 * now.noise(n) + 0.8 * now.trouble());
            body.gauge(&format!("shop.queue.{queue}.depth"), "development-worker-1", waiting.round());
        }
        self.count(body, "shop.worker.jobs.failed", "development-worker-1", 2.0 * now.noise(90));
        if now.time % 300 == 0 {
            for (n, volume) in (91_u64..).zip(["data", "wal"]) {
                let free = 44.0 + 20.0 * (n as f64 - 91.0) - now.time.rem_euclid(86_400) as f64 / 7_000.0;
                body.tagged.push(json!({
                    "name": "shop.db.disk.free.percent", "value": rounded(free), "time": now.time,
                    "tags": { "stage": "development", "volume": volume },
                }));
            }
        }
    }

    fn count(&mut self, body: &mut Body, name: &str, source: &str, more: f64) {
        let key = format!("{name} {source}");
        let place = self.counted.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.counted.push((key, 0.0));
            self.counted.len() - 1
        });
        let counted = &mut self.counted[place].1;
        *counted += more.max(0.0);
        let value = counted.floor();
        body.counters
            .push(json!({ "name": name, "source": source, "value": value, "measure_time": body.time }));
    }

    /// Deployments around the start: stream, title, epoch seconds.
    pub fn events(&self) -> Vec<(&'static str, &'static str, i64)> {
        let deploys =
            [("web 90", OUTAGE.0 - 2), ("web 90 rolled back", OUTAGE.1 - 2), ("web 91", SLOW_SINCE - 3)];
        let of = |stream| deploys.map(|(title, minute)| (stream, title, self.start + minute * 60));
        of("site.deploys").into_iter().chain(of("shop.deploys.web")).collect()
    }
}

/// What is measured in one minute, as the API takes it.
pub struct Body {
    time: i64,
    gauges: Vec<Value>,
    counters: Vec<Value>,
    tagged: Vec<Value>,
}

impl Body {
    fn gauge(&mut self, name: &str, source: &str, value: f64) {
        let value = rounded(value.max(0.0));
        self.gauges
            .push(json!({ "name": name, "source": source, "value": value, "measure_time": self.time }));
    }

    /// Several minutes in one.
    pub fn together(all: Vec<Body>) -> Value {
        let mut sum = Body { time: 0, gauges: Vec::new(), counters: Vec::new(), tagged: Vec::new() };
        for one in all {
            sum.gauges.extend(one.gauges);
            sum.counters.extend(one.counters);
            sum.tagged.extend(one.tagged);
        }
        json!({ "gauges": sum.gauges, "counters": sum.counters, "measurements": sum.tagged })
    }
}

struct Moment {
    /// Epoch seconds.
    time: i64,
    /// Since the demo began.
    minute: i64,
}

impl Moment {
    /// Between 0.6 at night and 1.4.
    fn day(&self) -> f64 {
        let share = self.time.rem_euclid(86_400) as f64 / 86_400.0;
        1.0 - 0.4 * (share * std::f64::consts::TAU).cos()
    }

    /// Between 0 and 1; of each `of` another one.
    fn noise(&self, of: u64) -> f64 {
        let mut bits = (self.time.unsigned_abs() / 60).wrapping_add(of.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
            bits = (bits ^ (bits >> 29)).wrapping_mul(factor);
        }
        ((bits >> 11) & 0xF_FFFF) as f64 / f64::from(0x10_0000)
    }

    fn is_in(&self, (from, until): (i64, i64)) -> bool {
        (from..until).contains(&self.minute)
    }

    /// How slow things are, from 0 to 1.
    fn trouble(&self) -> f64 {
        let since = (self.minute - SLOW_SINCE).rem_euclid(EVERY);
        let again = self.minute >= SLOW_SINCE && since < SLOW_FOR;
        if again || self.is_in(OUTAGE) || self.is_in(MOMENT) { 0.75 + 0.25 * self.noise(99) } else { 0.0 }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_slow_when_the_demo_begins_and_counters_only_grow() {
        let start = 1_700_000_039;
        let mut invented = Invented::new(start);
        let (mut last, mut slow) = (Vec::<f64>::new(), Vec::new());
        let mut time = invented.first();
        while time < start + 3_600 {
            let body = invented.minute(time);
            let counts: Vec<f64> = body.counters.iter().map(|one| one["value"].as_f64().unwrap()).collect();
            assert!(last.is_empty() || last.iter().zip(&counts).all(|(a, b)| a <= b));
            let of = |gauge: &&Value| gauge["name"] == "site.response.ms" && gauge["source"] == "web-2";
            let value = body.gauges.iter().find(of).unwrap()["value"].as_f64().unwrap();
            if value > 800.0 {
                slow.push((time - (start - start % 60)) / 60);
            }
            (last, time) = (counts, time + 60);
        }
        let expected: Vec<i64> = (-345..-342).chain(-222..-175).chain(-11..25).collect();
        assert_eq!(slow, expected);
    }
}
