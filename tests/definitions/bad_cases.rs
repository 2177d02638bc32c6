//! Mistakes as files, and what the program says about them: `tests/cases/bad/NAME.yaml` (or a directory NAME) with `NAME.txt`
//! beside it. A first line `# args: …` adds arguments. `UPDATE=1 cargo test --test definitions mistakes_are` rewrites the texts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use librato_apply::diag::Code;

const DIR: &str = "tests/cases/bad";

/// The value of `TOKEN` in the environment; it must not be shown.
const SECRET: &str = "canary-token-4711";

/// Codes that no file kept here can meet.
const MET_ELSEWHERE: &[&str] = &[
    "nothing-targeted", // tests/command/endpoints.rs: `validate` has no --target
    "file-too-large",   // tests/command/hostile.rs: nobody wants that file in the repository
    "too-many",         // src/model/bounds.rs, for the same reason
    // tests/cases/spaces-annotation-stream.yaml: only plans find it.
    "unknown-annotation",
    // tests/command/query.rs and tests/server/api/compose.rs: only who evaluates a composite can find these.
    "too-much",
    "unknown-period",
    "no-data",
];

#[test]
fn mistakes_are_explained_as_the_texts_say() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    let cases = cases();
    assert!(cases.len() >= 30, "only {} cases were found", cases.len());
    for (case, said) in all_said(&cases) {
        let beside = Path::new(DIR).join(&case).with_extension("txt");
        let expected = std::fs::read_to_string(&beside).unwrap_or_else(|_| String::from("(no such file)"));
        if said == expected {
            continue;
        }
        if update {
            std::fs::write(beside, said).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(&expected, &said);
            writeln!(wrong, "--- {}\n{}", case.display(), diff.unified_diff().header("expected", "said"))
                .unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}\nIf the new texts are better: UPDATE=1 cargo test --test definitions mistakes_are"
    );
}

#[test]
fn every_code_of_a_diagnostic_has_a_case() {
    let texts: String = std::fs::read_dir(DIR)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let codes = codes();
    assert!(codes.len() > 40, "the codes are not found any more: {codes:?}");
    let met = |code: &str| texts.contains(&format!("[{code}]")) || MET_ELSEWHERE.contains(&code);
    let missing: Vec<&String> = codes.iter().filter(|code| !met(code)).collect();
    assert!(missing.is_empty(), "no case in {DIR} meets {missing:?}");
}

#[test]
fn every_text_belongs_to_a_case() {
    let cases: BTreeSet<PathBuf> = cases().iter().map(|case| case.with_extension("txt")).collect();
    for entry in std::fs::read_dir(DIR).unwrap() {
        let name = PathBuf::from(entry.unwrap().file_name());
        assert!(name.extension().is_none_or(|e| e != "txt") || cases.contains(&name), "{}", name.display());
    }
}

/// Names of files and directories below [`DIR`] that are to be validated.
fn cases() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(DIR).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name())).collect();
    found.retain(|name| {
        let text = name.to_string_lossy();
        Path::new(DIR).join(name).is_dir() || text.ends_with(".yaml") && !text.ends_with(".vars.yaml")
    });
    found.sort();
    found
}

/// What is said about every case; processes run side by side.
fn all_said(cases: &[PathBuf]) -> Vec<(PathBuf, String)> {
    std::thread::scope(|scope| {
        let part = |part: &[PathBuf]| part.iter().map(|case| (case.clone(), said(case))).collect::<Vec<_>>();
        let threads: Vec<_> =
            cases.chunks(cases.len() / 4 + 1).map(|cases| scope.spawn(move || part(cases))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// What `validate` says about a case, and how it ends.
fn said(case: &Path) -> String {
    let path = Path::new(DIR).join(case);
    // A directory has no first line.
    let bytes = if path.is_dir() { Vec::new() } else { std::fs::read(path).unwrap() };
    let text = String::from_utf8_lossy(&bytes);
    let args = text.lines().next().and_then(|line| line.strip_prefix("# args: ")).unwrap_or_default();
    let output = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .current_dir(DIR)
        .arg("validate")
        .arg(case)
        .args(args.split_whitespace())
        .env_clear()
        .env("TOKEN", SECRET)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let said = format!(
        "{stderr}{}exit code {}\n",
        String::from_utf8(output.stdout).unwrap(),
        output.status.code().unwrap()
    );
    assert!(!said.contains(SECRET) && !said.contains("panicked"), "{}: {said}", case.display());
    said
}

/// The codes that the sources of these modules use.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let places = [
        "src/load",
        "src/model",
        "crates/core/src/composite",
        "src/resolve",
        "src/diff/scope.rs",
        "src/cli/ownership.rs",
    ];
    for path in places.iter().flat_map(|place| sources(Path::new(place))) {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for code in Code::ALL {
            let used = format!("Code::{code:?}");
            let follows =
                |at: usize| text[at + used.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
            if text.match_indices(&used).any(|(at, _)| !follows(at)) {
                codes.insert(code.name().to_owned());
            }
        }
    }
    codes
}

/// The files of a module, but for its tests.
fn sources(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let files = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let files =
        files.filter(|path| !path.to_string_lossy().ends_with("tests.rs") && !path.ends_with("canary.rs"));
    files.flat_map(|path| sources(&path)).collect()
}
