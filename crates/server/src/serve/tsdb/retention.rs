//! For how long measurements are kept in each tier, as the operator says it: `1s=2d,60s=14d`. Pure; knows the bounds within which tiers
//! can follow each other.

use std::fmt;
use std::str::FromStr;

use super::tier::{TIERS, Tier};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Longer than this nothing is kept: ten years.
const LONGEST: i64 = 3650 * DAY;

/// For how long measurements are kept, and how finely: as they came (`1s`), then by the minute (`60s`), by the quarter of an hour
/// (`900s`) and by the hour (`3600s`). Written as `1s=2d,60s=8d,900s=32d,3600s=365d`, which is the default, where what is left out is as
/// it is by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Seconds, tier by tier.
    kept: [i64; TIERS.len()],
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { kept: [2 * DAY, 8 * DAY, 32 * DAY, 365 * DAY] }
    }
}

impl Retention {
    /// What is stored, tier by tier.
    pub(in crate::serve) fn stored(kept: [i64; TIERS.len()]) -> Retention {
        Retention { kept }
    }

    /// For how many seconds each tier is kept.
    pub(in crate::serve) fn tiers(&self) -> impl Iterator<Item = (Tier, i64)> {
        TIERS.into_iter().zip(self.kept)
    }

    /// For how many seconds a tier is kept.
    pub(in crate::serve) fn of(&self, tier: Tier) -> i64 {
        self.tiers().find(|(one, _)| one.resolution == tier.resolution).map_or(0, |(_, kept)| kept)
    }

    /// For how many seconds anything is kept.
    pub(in crate::serve) fn longest(&self) -> i64 {
        let [.., longest] = self.kept;
        longest
    }

    /// Why tiers cannot follow each other like this.
    fn check(&self) -> Result<(), String> {
        for (tier, kept) in self.tiers() {
            let name = Time(tier.resolution);
            if kept < tier.span {
                let least = Time(tier.span);
                return Err(format!(
                    "{name} cannot be kept for less than {least}, which is what is stored together"
                ));
            }
            let least = tier.finer().map_or(0, |finer| self.of(finer) + finer.span);
            if let Some(finer) = tier.finer().filter(|_| kept < least) {
                let (finer, least) = (Time(finer.resolution), Time(least));
                return Err(format!(
                    "{name} must be kept for {least} or longer: until then measurements come to it from {finer}"
                ));
            }
            if kept > LONGEST {
                return Err(format!("{name} cannot be kept for longer than {}", Time(LONGEST)));
            }
        }
        Ok(())
    }
}

/// The words of the errors do not repeat the text.
impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Retention, String> {
        let form = || {
            format!(
                "write TIER=TIME, such as 1s=2d,60s=14d, where TIER is 1s, 60s, 900s or 3600s and TIME ends in m, h or d; by default it is {}",
                Retention::default()
            )
        };
        let mut retention = Retention::default();
        let mut said = [false; TIERS.len()];
        for part in text.split(',') {
            let (tier, kept) = part.split_once('=').ok_or_else(form)?;
            let (tier, kept) = (seconds(tier).ok_or_else(form)?, seconds(kept).ok_or_else(form)?);
            let place = TIERS.iter().position(|one| one.resolution == tier).ok_or_else(form)?;
            if std::mem::replace(&mut said[place], true) {
                return Err(format!("says twice for how long {} is kept", Time(tier)));
            }
            retention.kept[place] = kept;
        }
        retention.check()?;
        Ok(retention)
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (tier, kept)) in self.tiers().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{}s={}", tier.resolution, Time(kept))?;
        }
        Ok(())
    }
}

/// Seconds, as they are written.
pub struct Time(pub i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            days if days >= DAY && days % DAY == 0 => write!(f, "{}d", days / DAY),
            hours if hours > HOUR && hours % HOUR == 0 => write!(f, "{}h", hours / HOUR),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

/// What a time above nothing comes to.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    (number > 0).then_some(i64::from(number) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse().map(|retention: Retention| retention.to_string())
    }

    #[test]
    fn what_is_left_out_is_as_by_default() {
        for (text, expected) in [
            ("60s=14d", "1s=2d,60s=14d,900s=32d,3600s=365d"),
            ("1s=4h, 60s=28h", "1s=4h,60s=28h,900s=32d,3600s=365d"),
            ("15m=20d,1h=3650d", "1s=2d,60s=8d,900s=20d,3600s=3650d"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected));
            assert_eq!(read(expected).as_deref(), Ok(expected), "as it is shown it can be written");
        }
        assert_eq!(read(&Retention::default().to_string()), Ok(Retention::default().to_string()));
    }

    #[test]
    fn bounds_are_told() {
        for (text, why) in [
            ("", "write TIER=TIME"),
            ("1s", "write TIER=TIME"),
            ("1s=2", "write TIER=TIME"),
            ("1s=0d", "write TIER=TIME"),
            ("1s=2ü", "write TIER=TIME"),
            ("10s=2d", "TIER is 1s, 60s, 900s or 3600s"),
            ("1s=99999999999d", "write TIER=TIME"),
            ("1s=1d,1s=2d", "says twice for how long 1s is kept"),
            ("1s=3h", "1s cannot be kept for less than 4h"),
            ("1s=8d", "60s must be kept for 196h or longer: until then measurements come to it from 1s"),
            ("60s=32d", "900s must be kept for 33d or longer"),
            ("3600s=30d", "3600s cannot be kept for less than 32d"),
            ("3600s=3651d", "3600s cannot be kept for longer than 3650d"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
