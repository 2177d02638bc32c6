# The verbs of the project. `just` lists them. CI runs `.ci/run`, which the checks here call too.

_list:
    @just --list --unsorted

# Get the machine ready: components of the toolchain, dependencies.
setup:
    rustup component add rustfmt clippy
    cargo fetch --locked

# Build the program.
build *flags:
    cargo build --locked {{ flags }}

# Run the program: just run plan examples/quickstart
run *arguments:
    cargo run --locked --quiet -- {{ arguments }}

# Format the source.
fmt:
    cargo fmt --all

# Check the format and lint, with and without the server and the command line.
lint:
    .ci/run format lint

# Run the tests, or those whose name contains a word. Other people's clients are skipped where they cannot be installed.
test *words:
    cargo test --locked {{ words }}

# Drive the server with other people's clients, which must be installable.
conformance:
    CONFORMANCE=required cargo test --locked --test witnesses conformance

# Measure the program against what is possible, in some ten minutes: just bench, just bench plan apply, just bench --quick. Pages in
# Chromium beside a charting library: just bench browser; what people who look cost beside ingestion: just bench viewers
bench *words:
    {{ if words == "browser" { "cargo build --locked --release && node benches/browser/measure.mjs" } else if words == "viewers" { "cargo build --locked --release && node benches/browser/viewers.mjs" } else { "cargo bench --locked --bench program -- " + words } }}

# Write the JSON Schemas anew, after a change to the types.
schema:
    cargo build --locked --quiet
    target/debug/librato-apply schema config > schemas/librato-apply.schema.json
    target/debug/librato-apply schema vars > schemas/vars.schema.json
    target/debug/librato-apply schema plan > schemas/plan.schema.json
    target/debug/librato-apply schema outcome > schemas/outcome.schema.json
    target/debug/librato-apply schema query > schemas/query.schema.json
    target/debug/librato-apply schema serve > schemas/serve.schema.json
    target/debug/librato-apply schema test > schemas/test.schema.json
    target/debug/librato-apply schema backtest > schemas/backtest.schema.json
    target/debug/librato-apply schema fidelity > schemas/fidelity.schema.json

# Write the pages anew that are made of the program, after a change to the types, flags, functions, options or codes.
pages:
    UPDATE=1 cargo test --locked -p librato-apply --bin librato-apply page_of
    UPDATE=1 cargo test --locked -p librato-apply --test definitions page_of
    UPDATE=1 cargo test --locked -p librato-apply-core --lib page_of

# Build the documentation of the library, and the book.
doc:
    .ci/run docs

# Make a book of docs/: target/book/html. Needs mdbook.
book:
    docs/book.py

# Check licences, sources and bans of the dependencies, and advisories where their database can be reached.
deny:
    .ci/run deny

# Run a fuzz target, with whatever compiler there is: just fuzz yaml 60
fuzz target seconds="60":
    fuzz/run {{ target }} {{ seconds }}

# Build the smallest program.
dist:
    cargo build --locked --profile dist

# Build what is given out: just package deb, static, sbom; without the paths of this machine in it.
package *what:
    packaging/build {{ what }}

# Everything a change must pass.
ci:
    .ci/run
