//! Long lines on narrow terminals: broken at blanks, what follows hung below the beginning of the text.

use unicode_width::UnicodeWidthStr;

/// Less room than this makes columns of single words.
const NARROWEST: usize = 24;

/// The lines of a text that begins in column `indent`, none wider than `width` where its words allow; the first without the indent,
/// which is taken up already.
pub fn hung(text: &str, indent: usize, width: Option<usize>) -> String {
    let Some(room) = width.map(|width| width.saturating_sub(indent)).filter(|room| *room >= NARROWEST) else {
        return text.to_owned();
    };
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        if used > 0 && used + 1 + word.width() > room {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = 0;
        } else if !out.is_empty() {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += word.width();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_hang() {
        let text = "fires more often: conditions[0] holds above 500 instead of above 800";
        assert_eq!(hung(text, 6, None), text);
        assert_eq!(hung(text, 6, Some(20)), text, "too narrow to be of use");
        let shown = hung(text, 6, Some(40));
        assert_eq!(
            shown,
            "fires more often: conditions[0]\n      holds above 500 instead of above\n      800"
        );
        assert!(shown.lines().all(|line| line.width() <= 40));
        assert_eq!(hung(&"x".repeat(60), 6, Some(40)), "x".repeat(60));
    }
}
