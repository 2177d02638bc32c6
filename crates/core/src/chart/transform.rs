//! Formulas such as `x/p*8`, which are linear in `x` (the value); `p` stands for seconds. Written by hand: sums, products, brackets.

/// What a formula does to a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transform {
    slope: f64,
    offset: f64,
}

/// Brackets inside brackets, and signs before signs.
const DEEPEST: usize = 64;

impl Transform {
    /// Changes nothing.
    pub const NONE: Self = Self { slope: 1.0, offset: 0.0 };

    /// Reads a formula for `p` seconds.
    ///
    /// # Errors
    /// Why it cannot be used, in words that follow its text.
    pub fn read(formula: &str, p: f64) -> Result<Self, &'static str> {
        let mut reader = Reader { rest: formula, p };
        let made = reader.sum(0)?;
        if !reader.rest.trim_start().is_empty() {
            return Err("cannot be read");
        }
        if made.slope.is_finite() && made.offset.is_finite() { Ok(made) } else { Err("has no value") }
    }

    /// The value that is shown.
    #[must_use]
    pub fn apply(self, x: f64) -> f64 {
        self.slope * x + self.offset
    }

    /// Both ends of a range, the lower one first.
    #[must_use]
    pub fn range(self, low: f64, high: f64) -> (f64, f64) {
        let (a, b) = (self.apply(low), self.apply(high));
        if self.slope < 0.0 { (b, a) } else { (a, b) }
    }

    fn constant(value: f64) -> Self {
        Self { slope: 0.0, offset: value }
    }
}

struct Reader<'a> {
    rest: &'a str,
    p: f64,
}

type Read = Result<Transform, &'static str>;

impl Reader<'_> {
    fn take(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start();
        let after = self.rest.strip_prefix(wanted);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn sum(&mut self, depth: usize) -> Read {
        let mut left = self.product(depth)?;
        loop {
            let sign = match () {
                () if self.take('+') => 1.0,
                () if self.take('-') => -1.0,
                () => return Ok(left),
            };
            let right = self.product(depth)?;
            left = Transform {
                slope: left.slope + sign * right.slope,
                offset: left.offset + sign * right.offset,
            };
        }
    }

    fn product(&mut self, depth: usize) -> Read {
        let mut left = self.factor(depth)?;
        loop {
            if self.take('*') {
                let right = self.factor(depth)?;
                let (line, by) = match (left.slope == 0.0, right.slope == 0.0) {
                    (_, true) => (left, right.offset),
                    (true, _) => (right, left.offset),
                    (false, false) => return Err("is not linear in x"),
                };
                left = Transform { slope: line.slope * by, offset: line.offset * by };
            } else if self.take('/') {
                let right = self.factor(depth)?;
                if right.slope != 0.0 {
                    return Err("is not linear in x");
                }
                if right.offset == 0.0 {
                    return Err("divides by zero");
                }
                left = Transform { slope: left.slope / right.offset, offset: left.offset / right.offset };
            } else {
                return Ok(left);
            }
        }
    }

    fn factor(&mut self, depth: usize) -> Read {
        if depth > DEEPEST {
            return Err("is nested too deeply");
        }
        if self.take('-') {
            let Transform { slope, offset } = self.factor(depth + 1)?;
            return Ok(Transform { slope: -slope, offset: -offset });
        }
        if self.take('+') {
            return self.factor(depth + 1);
        }
        if self.take('(') {
            let inner = self.sum(depth + 1)?;
            return if self.take(')') { Ok(inner) } else { Err("cannot be read") };
        }
        if self.take('x') {
            return Ok(Transform::NONE);
        }
        if self.take('p') {
            return Ok(Transform::constant(self.p));
        }
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().map(Transform::constant).map_err(|_| "cannot be read")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_lines() {
        for (formula, x, y) in [
            ("x", 7.0, 7.0),
            ("x/p", 120.0, 2.0),
            ("x*8/1000", 500.0, 4.0),
            ("(x - 32) * 5 / 9", 212.0, 100.0),
            ("-x+-(2)", 1.0, -3.0),
            ("2*(x+p)/(p/6)", 0.0, 12.0),
            ("5", 9.0, 5.0),
            (".5*x", 3.0, 1.5),
            ("x-x", 3.0, 0.0),
        ] {
            assert_eq!(Transform::read(formula, 60.0).map(|line| line.apply(x)), Ok(y), "{formula}");
        }
        for (formula, why) in [
            ("x*x", "is not linear in x"),
            ("1/x", "is not linear in x"),
            ("x/(p-60)", "divides by zero"),
            ("", "cannot be read"),
            ("x x", "cannot be read"),
            ("(x", "cannot be read"),
            ("x,2", "cannot be read"),
            ("1.2.3", "cannot be read"),
        ] {
            assert_eq!(Transform::read(formula, 60.0), Err(why), "{formula}");
        }
        assert_eq!(Transform::read(&"(".repeat(100_000), 1.0), Err("is nested too deeply"));
        assert_eq!(Transform::read(&format!("{0}*{0}", "9".repeat(200)), 1.0), Err("has no value"));
    }

    #[test]
    fn a_falling_line_turns_ranges_around() {
        let falling = Transform::read("100-x", 1.0).unwrap();
        assert_eq!(falling.range(10.0, 30.0), (70.0, 90.0));
    }

    proptest! {
        /// Whatever is written, it is a line or it is said why not.
        #[test]
        fn any_text_is_read_or_refused(formula in "[0-9xp()*+,./ -]{0,40}", x in -1e6..1e6_f64) {
            if let Ok(line) = Transform::read(&formula, 60.0) {
                let (low, high) = line.range(x, x + 1.0);
                prop_assert!(low <= high || low.is_nan() || high.is_nan());
            }
        }
    }
}
