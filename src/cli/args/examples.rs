//! Examples of each command, for its help and its manual page. They are printed as they stand, never wrapped, so that they
//! can be copied.

/// The examples of a command, one line each; lines that belong to the one before are indented.
pub fn of(command: &str) -> &'static str {
    match command {
        "init" => {
            "\
librato-apply init monitoring
librato-apply init --example quickstart"
        }
        "validate" => "librato-apply validate monitoring/",
        "test" => {
            "\
librato-apply test monitoring/
librato-apply test monitoring/ --filter '*slow*'
librato-apply test monitoring/ --require-coverage --junit tests.xml"
        }
        "backtest" => {
            "\
librato-apply backtest --files monitoring/
librato-apply backtest 'shop.*' --files monitoring/ --start -14d
librato-apply backtest shop.checkout.slow --files monitoring/ --sweep 'conditions[0].threshold=400..1200:100' --at-most 5"
        }
        "plan" => {
            "\
librato-apply plan monitoring/
librato-apply plan monitoring/ --var-file production.vars.yaml --detailed-exitcode
librato-apply plan monitoring/ --target 'alert/web.*' --out web.plan
librato-apply plan monitoring/ --evidence --deny noisy-alerts=20
librato-apply plan monitoring/ --unmanaged"
        }
        "apply" => {
            "\
librato-apply apply monitoring/
librato-apply apply monitoring/ --auto-approve
librato-apply apply --plan web.plan"
        }
        "export" => {
            "\
librato-apply export > monitoring.yaml
librato-apply export alerts space/Shop --out monitoring/"
        }
        "import" => {
            "\
terraform show -json > state.json
librato-apply import terraform state.json > monitoring.yaml
librato-apply import lbrt alerts.rb services.rb spaces.rb > monitoring.yaml"
        }
        "render" => {
            "\
librato-apply render prometheus monitoring/ --out prometheus/
librato-apply render prometheus monitoring/ --out prometheus/ --check
librato-apply render prometheus monitoring/ --deny approximate --format json"
        }
        "query" => {
            "\
librato-apply query web.requests --start -2h --format plot
librato-apply query 'mean(s(\"temperature\", \"*\", {period: \"3600\"}))' --start -8h
librato-apply query shop.error.ratio --explain"
        }
        "submit" => {
            "\
librato-apply submit deploys 1 --type counter --source web1
librato-apply submit queue.length -5 --tag region=eu
librato-apply submit --from measurements.csv --keep left.jsonl
tail -F app.metrics | librato-apply submit --from - --aggregate --period 60s"
        }
        "annotate" => {
            "\
id=$(librato-apply annotate deploys --title \"web 91\" --source web)
./deploy.sh
librato-apply annotate deploys --close \"$id\"
# With --start it can be run again: an event of the same title, source and start is not made twice.
librato-apply annotate deploys --title \"web 91\" --start 2026-11-22T10:00:00Z --end -1m"
        }
        "get" => {
            "\
librato-apply get alerts 'web.*'
librato-apply get alert web.slow --format json
librato-apply get measurements web.ms --start -1h --resolution 60s
librato-apply get incidents 'web.*' --start -1d
librato-apply get deliveries --status waiting"
        }
        "delete" => {
            "\
librato-apply delete alert web.slow
librato-apply delete space --id 7 --auto-approve"
        }
        "resolve" => "librato-apply resolve web.slow",
        "silence" => {
            "\
librato-apply silence 'db.*' --for 2h --why \"moving the database\"
librato-apply silence web.slow --stream 'web7*' --until +30m --why \"new disk\""
        }
        "unsilence" => "librato-apply unsilence 7",
        "notify" => {
            "\
librato-apply notify test ops-slack
librato-apply notify plan"
        }
        "serve" => {
            "\
export LIBRATO_TOKEN=…
librato-apply serve --user ops@example.org --data librato.db --listen 127.0.0.1:8080
librato-apply serve --demo --open
librato-apply serve check librato.db
librato-apply serve backup librato.db librato-copy.db
librato-apply serve restore librato-copy.db restored.db --adopt"
        }
        "explain" => "librato-apply explain alerts.conditions.duration",
        "schema" => "librato-apply schema > librato-apply.schema.json",
        "completions" => {
            "\
source <(librato-apply completions bash)                # for this shell; in ~/.bashrc for every one
librato-apply completions fish > ~/.config/fish/completions/librato-apply.fish"
        }
        "man" => {
            "\
librato-apply man plan | man -l -
librato-apply man --out ~/.local/share/man/man1"
        }
        _ => "",
    }
}
