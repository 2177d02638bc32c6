//! The examples, as they stand in the repository, for `init --example` and for the demo of `serve`.

use std::path::Path;

/// An example: files by their path below its directory.
pub struct Example {
    pub name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! example {
    ($name:literal: $($file:literal)*) => {
        Example {
            name: $name,
            files: &[$(($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/", $name, "/", $file)))),*],
        }
    };
}

/// All of them, each behind those it needs.
pub const ALL: [Example; 3] = [
    example!("quickstart": "monitoring.yaml"),
    example!("platform": "services.yaml"),
    example!("shop":
        "settings.yaml" "alerts.test.yaml" "checkout.yaml" "database.yaml" "deploys.yaml" "oncall.yaml" "payments.yaml"
        "production.vars.yaml" "runbooks/replica-late.md" "spaces.yaml" "staging.vars.yaml" "web.yaml" "workers.yaml"),
];

/// Where examples find their schema in the repository, and what stands before their names there.
const SCHEMA: &str = "../../schemas/";
const HOME: &str = "examples/";

impl Example {
    pub fn named(name: &str) -> Option<&'static Example> {
        ALL.iter().find(|example| example.name == name)
    }

    /// Its files as they stand in a directory of their own: the schema beside them, and paths in comments as they are seen from
    /// where the directory is `shown`.
    pub fn files(&self, shown: &Path) -> impl Iterator<Item = (&'static str, String)> {
        let shown = shown.display().to_string();
        let own = format!("{HOME}{}", self.name);
        self.files.iter().map(move |(path, text)| {
            let text = text.replace(SCHEMA, "").replace(&own, &shown).replace(HOME, "");
            (*path, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_whole() {
        for example in &ALL {
            let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example.name);
            let found = walkdir::WalkDir::new(&home).into_iter().map(|entry| entry.unwrap().into_path());
            let found = found.filter(|path| path.is_file());
            let found = found.filter(|path| !path.to_str().unwrap().contains(".db"));
            let mut found: Vec<String> =
                found.map(|path| path.strip_prefix(&home).unwrap().to_str().unwrap().to_owned()).collect();
            let mut held: Vec<String> = example.files.iter().map(|(path, _)| (*path).to_owned()).collect();
            found.sort();
            held.sort();
            assert_eq!(held, found, "{}", example.name);
        }
    }

    #[test]
    fn comments_name_the_directory_it_is_written_to() {
        let shop = Example::named("shop").unwrap();
        let (_, text) = shop.files(Path::new("work/ours")).next().unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=librato-apply.schema.json\n"), "{text}");
        assert!(text.contains("plan work/ours --var-file work/ours/production.vars.yaml"), "{text}");
        assert!(text.contains("apply platform\n"), "{text}");
    }
}
