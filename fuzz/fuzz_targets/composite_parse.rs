//! Any text is read to its end, its problems stand inside it, and what can be read prints and compares as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use librato_apply::composite::{Use, canonical, check, compile, parse};

fuzz_target!(|text: &str| {
    for problem in check(text, Use::Metric) {
        assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
        assert!(!problem.located(text).is_empty());
    }
    if let Ok(tree) = parse(text) {
        assert_eq!(parse(&tree.to_string()).as_ref(), Ok(&tree));
        let once = canonical(text);
        assert_eq!(canonical(&once), once);
        assert_eq!(compile(text).is_ok(), compile(&once).is_ok());
    }
});
