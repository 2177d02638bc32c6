//! What `examples/cluster/` gives to other programs, held against the schemas of their makers, and HAProxy's own check of its file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::conformance::from_pip;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster").join(name)
}

fn documents(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(example(name)).unwrap();
    serde_yaml::from_multiple(&text).unwrap()
}

/// What is there, or nothing where that is said and may be.
fn found<T>(what: &str, found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "{what} SKIPPED: {reason}");
            None
        }
    }
}

fn schema(home: &Path, path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(home.join(path)).unwrap()).unwrap()
}

fn mistakes(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

#[test]
fn the_manifest_is_as_kubernetes_wants_it() {
    let Some(home) = found("Kubernetes", from_pip("kubernetes-validate-1.37.0")) else { return };
    let all =
        schema(&home, "kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict/_definitions.json");
    let validator = |kind: &str| {
        let mut schema = all.clone();
        schema["$ref"] = json!(format!("#/$defs/io.k8s.api.{kind}"));
        jsonschema::validator_for(&schema).unwrap()
    };
    let mut kinds = Vec::new();
    for mut document in documents("kubernetes.yml") {
        let kind =
            format!("{} {}", document["apiVersion"].as_str().unwrap(), document["kind"].as_str().unwrap());
        let schema = validator(match &*kind {
            "apps/v1 Deployment" => "apps.v1.Deployment",
            "v1 Service" => "core.v1.Service",
            "policy/v1 PodDisruptionBudget" => "policy.v1.PodDisruptionBudget",
            other => panic!("{other} is not looked for"),
        });
        assert_eq!(mistakes(&schema, &document), [""; 0], "{kind}");
        document["spec"]["replica"] = 3.into();
        assert_ne!(mistakes(&schema, &document), [""; 0], "{kind}: a mistake is not seen");
        kinds.push(kind);
    }
    assert_eq!(kinds, ["apps/v1 Deployment", "v1 Service", "policy/v1 PodDisruptionBudget"]);
}

#[test]
fn the_file_is_as_compose_wants_it() {
    let Some(home) = found("Compose", from_pip("check-jsonschema-0.39.0")) else { return };
    let schema = schema(&home, "check_jsonschema/builtin_schemas/vendor/compose-spec.json");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let [mut document]: [Value; 1] = documents("compose.yml").try_into().unwrap();
    assert_eq!(mistakes(&schema, &document), [""; 0]);
    document["services"]["serve"]["replica"] = 3.into();
    assert_ne!(mistakes(&schema, &document), [""; 0], "a mistake is not seen");
}

/// Where it is installed.
fn haproxy() -> Result<PathBuf, String> {
    let places = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].map(PathBuf::from);
    places.into_iter().find(|place| place.exists()).ok_or_else(|| "there is no haproxy".to_owned())
}

#[test]
fn haproxy_takes_its_file() {
    let Some(program) = found("HAProxy", haproxy()) else { return };
    let check = |file: &Path| {
        let done = Command::new(&program).args(["-c", "-f"]).arg(file).output().unwrap();
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        (done.status.success(), said)
    };
    let (is_valid, said) = check(&example("haproxy.cfg"));
    assert!(is_valid && !said.contains("WARNING"), "{said}");
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("haproxy.cfg");
    let text = std::fs::read_to_string(example("haproxy.cfg")).unwrap();
    std::fs::write(&wrong, text.replace("balance leastconn", "balance leastconnections")).unwrap();
    assert!(!check(&wrong).0, "a mistake is not seen");
}

/// What three servers share, every manifest gives to each of them; and none holds a secret.
#[test]
fn manifests_agree_with_the_pages_about_them() {
    let all = documents("kubernetes.yml");
    let pod = &all[0]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(pod["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(pod["livenessProbe"]["httpGet"]["path"], "/healthz");
    let compose = &documents("compose.yml")[0];
    for arguments in [&pod["args"], &compose["services"]["serve"]["command"]] {
        let arguments: Vec<&str> =
            arguments.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
        // As far as it comes without the files of the container.
        let done = command.args(&arguments).env_clear().output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("/run/secrets/"), "{arguments:?} does not read its secrets from files: {said}");
        assert!(!said.contains("unexpected argument") && done.status.code() != Some(0), "{said}");
    }
}
