//! Where SQL stands, and that one text of it serves every kind of database.

use std::fs;

use super::{quoted, root, sources, test_files};

/// The only places that name the library of a database.
const OF_SQLITE: [&str; 2] = ["src/serve/store/sqlite/", "src/serve/series/sqlite/"];

/// The same of PostgreSQL; `series/postgres` asks through `Tx`.
const OF_POSTGRES: [&str; 2] = ["src/serve/store/postgres/", "src/serve/series/postgres/"];

/// Beside files called `table.rs`.
const OF_SQL: [&str; 2] = ["src/serve/store/", "src/serve/series/"];

/// How statements begin.
const STATEMENTS: [&str; 5] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];

/// What one kind of database understands and another does not, or takes for something else, and what to write instead.
const DIALECT: [(&str, &str); 16] = [
    ("json_each", "ask `Tx::any`"),
    ("json_extract", "read the JSON and decide outside of SQL, or keep a column"),
    ("->>", "read the JSON and decide outside of SQL, or keep a column"),
    ("instr(", "ask `Tx::contains`"),
    ("strpos(", "ask `Tx::contains`"),
    ("ifnull(", "write `coalesce`"),
    ("nullif(?", "insert without an id, and let the database give one"),
    ("INSERT OR ", "write `ON CONFLICT`"),
    ("REPLACE INTO", "write `ON CONFLICT`"),
    ("INDEXED BY", "leave it to `store/sqlite`"),
    ("SAVEPOINT", "leave it to the store"),
    ("PRAGMA", "leave it to `store/sqlite`"),
    ("rowid", "end the statement in `RETURNING id`"),
    ("IS NULL OR ?", "give the parameter a type with `CAST`, or leave the condition out"),
    ("ILIKE", "compare what is folded"),
    ("GLOB ", "compare what is folded"),
];

fn is_below(file: &str, directories: &[&str]) -> bool {
    directories.iter().any(|directory| file.starts_with(directory))
}

/// The texts of a file in quotes, plain and raw, outside of comments; escapes in them are left as they are.
fn texts(code: &str) -> Vec<&str> {
    let (mut texts, mut rest) = (Vec::new(), code);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        if from.starts_with("//") {
            rest = from.split_once('\n').map_or("", |(_, below)| below);
        } else if let Some(more) = ["'\"'", "'\\\"'", "'/'"].iter().find_map(|c| from.strip_prefix(c)) {
            rest = more;
        } else if let Some(body) = from.strip_prefix('"') {
            let hashes = before.bytes().rev().take_while(|byte| *byte == b'#').count();
            let is_raw = before[..at - hashes].ends_with('r');
            let end = if is_raw { body.find(&format!("\"{}", "#".repeat(hashes))) } else { plain_end(body) };
            let Some(end) = end else { break };
            texts.push(&body[..end]);
            rest = &body[end + 1..];
        } else {
            rest = &from[1..];
        }
    }
    texts
}

/// Where a text ends that may hold escapes.
fn plain_end(body: &str) -> Option<usize> {
    let mut escaped = false;
    body.char_indices().find_map(|(at, c)| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end.then_some(at)
    })
}

fn is_statement(text: &str) -> bool {
    STATEMENTS.iter().any(|start| text.trim_start().starts_with(start))
}

#[test]
fn sql_stands_in_tables_and_in_one_dialect() {
    let sources = sources();
    let tests = test_files(&sources);
    let mut wrong = Vec::new();
    let server = sources.iter().filter(|(file, _)| file.starts_with("src/") && !tests.contains(*file));
    for (file, text) in server {
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let of_sqlite = is_below(file, &OF_SQLITE);
        if code.contains("rusqlite") && !of_sqlite {
            wrong.push(format!("{file} names rusqlite, which is for {} alone", OF_SQLITE.join(" and ")));
        }
        if code.contains("tokio_postgres") && !is_below(file, &OF_POSTGRES[..1]) {
            wrong.push(format!("{file} names tokio_postgres, which is for {} alone", OF_POSTGRES[0]));
        }
        let of_one = of_sqlite || is_below(file, &OF_POSTGRES);
        for text in texts(code) {
            if is_statement(text) && !file.ends_with("/table.rs") && !is_below(file, &OF_SQL) {
                wrong.push(format!("{file} holds SQL ({text}): move it to a table.rs"));
            }
            let sql = is_statement(text) || file.ends_with("/table.rs") || is_below(file, &OF_SQL);
            for (word, instead) in DIALECT.iter().filter(|(word, _)| sql && !of_one && text.contains(word)) {
                wrong.push(format!("{file}: not every database knows `{word}`, so {instead} ({text})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tables that may lie on several machines, each part on one.
const IN_PARTS: [&str; 3] = ["journal", "pages", "parts"];

/// Examinations read everything, and tests what they like.
const OF_ALL: [&str; 3] = ["examine.rs", "tests.rs", "testing.rs"];

/// How often a statement reads or changes one of these tables, and how often it says of which parts.
fn of_parts(sql: &str) -> (usize, usize) {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let is_table = |word: &str| IN_PARTS.contains(&word.trim_end_matches([')', ',', '"']));
    let named = words.windows(2).filter(|pair| {
        let is_said =
            ["FROM", "JOIN", "UPDATE"].contains(&pair[0]) || (pair[0] == "INTO" && !inserts_parts(&words));
        is_said && is_table(pair[1])
    });
    (named.count(), sql.matches("part = ").count() + sql.matches("{of_parts}").count())
}

/// Whether rows are inserted of which the part comes first.
fn inserts_parts(words: &[&str]) -> bool {
    words.iter().any(|word| word.starts_with("(part,"))
}

/// Rows of these tables are found by their part, and what is unique in them is so within a part: so they can lie on several machines.
#[test]
fn statements_about_what_lies_in_parts_say_in_which() {
    let sources = sources();
    let tests = test_files(&sources);
    let (mut wrong, mut count) = (Vec::new(), 0);
    let is_ours = |file: &str| {
        let below = file.starts_with("src/serve/series/postgres/") || file == "src/serve/series/aging.rs";
        below && !OF_ALL.iter().any(|end| file.ends_with(end))
    };
    for (file, text) in sources.iter().filter(|(file, _)| is_ours(file) && !tests.contains(*file)) {
        for sql in texts(text).into_iter().filter(|text| is_statement(text)) {
            let (named, said) = of_parts(sql);
            count += named;
            if said < named {
                wrong.push(format!("{file}: says `part = ` {said} times for {named} tables ({sql})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 15, "the statements are not found any more");
    assert_eq!(of_parts("SELECT 1 FROM lanes JOIN journal ON lane = 1"), (1, 0));
    assert_eq!(of_parts("DELETE FROM pages WHERE part = ?1 AND id IN (SELECT id FROM pages)"), (2, 1));
    assert_eq!(of_parts("INSERT INTO parts (seq) VALUES (1)"), (1, 0));

    let schema =
        fs::read_to_string(root().join("crates/server/src/serve/store/postgres/schema_1.sql")).unwrap();
    for table in IN_PARTS {
        let made = schema.split(&format!("CREATE TABLE {table} (")).nth(1).unwrap();
        let made = made.split("\n)").next().unwrap();
        let keys = made.lines().filter(|line| line.contains("PRIMARY KEY") || line.contains("UNIQUE"));
        for key in keys {
            assert!(key.contains("(part") || key.trim().starts_with("part "), "{table}: {key}");
        }
        assert!(!made.contains("REFERENCES"), "{table} refers to a table that lies elsewhere");
    }
}

/// Of tables that servers share it must be known who writes them.
#[test]
fn it_is_said_of_every_table_who_writes_it() {
    let entries = fs::read_dir(root().join("crates/server/src/serve/store/postgres")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let schemas = files.filter(|path| path.extension().is_some_and(|end| end == "sql"));
    let schema: String = schemas.map(|path| fs::read_to_string(path).unwrap()).collect();
    let tables = schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next());
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let said = text.lines().skip_while(|line| *line != "| Table | Who writes it |").skip(2);
    let said = said.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    let mut said: Vec<String> = said.flat_map(quoted).collect();
    let mut tables: Vec<&str> = tables.collect();
    tables.sort_unstable();
    said.sort_unstable();
    assert_eq!(said, tables, "the table of ARCHITECTURE.md (left) and the migrations (right)");
}

#[test]
fn statements_are_found() {
    let code = r##"let (a, b) = ("SELECT \"x\" FROM t", '"'); // "no"
        f::<'a>(r#"  DELETE FROM "t""#, r"x\", "http://no");"##;
    let found = texts(code);
    assert_eq!(found, [r#"SELECT \"x\" FROM t"#, r#"  DELETE FROM "t""#, r"x\", "http://no"]);
    assert_eq!(found.iter().map(|text| is_statement(text)).collect::<Vec<_>>(), [true, true, false, false]);
    assert!(root().join("crates/server/src/serve/store/sqlite").is_dir(), "the places exist");
}
