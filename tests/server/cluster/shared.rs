//! What is done through one server is seen through the others at once.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::Cluster;
use crate::harness::epoch;
use crate::server::{Server, TOKEN, USER, client};

#[test]
fn what_is_applied_through_one_server_needs_no_change_through_another() {
    let Some(cluster) = Cluster::start(3, &[]) else { return };
    let run = |command: &[&str], node: &Server| {
        let done = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
            .args(command)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart"))
            .args(["--endpoint", &node.url(""), "--user", USER, "--color", "never"])
            .env("LIBRATO_TOKEN", TOKEN)
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        (done.status.code(), said)
    };
    let [first, second, third] = cluster.nodes.as_slice() else { panic!() };
    let (code, said) = run(&["plan", "--detailed-exitcode"], second);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = run(&["apply", "--auto-approve"], first);
    assert_eq!(code, Some(0), "{said}");
    for node in [second, third] {
        let (code, said) = run(&["plan", "--detailed-exitcode"], node);
        assert_eq!(code, Some(0), "{said}");
    }
}

async fn submit(node: &Server, value: i64) {
    let body = json!({"gauges": [{"name": "m", "value": value, "source": "s"}]});
    let request = client().post(node.url("/v1/metrics")).basic_auth(USER, Some(TOKEN)).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// All values of the metric that are kept.
async fn values(node: &Server) -> Vec<f64> {
    let url = node.url(&format!("/v1/metrics/m?resolution=1&source=s&start_time={}", epoch() - 600));
    let answer: Value =
        client().get(url).basic_auth(USER, Some(TOKEN)).send().await.unwrap().json().await.unwrap();
    let points = answer["measurements"]["s"].as_array().cloned().unwrap_or_default();
    points.iter().map(|point| point["sum"].as_f64().unwrap()).collect()
}

#[tokio::test]
async fn what_is_sent_after_a_metric_was_deleted_elsewhere_belongs_to_the_new_one() {
    let Some(cluster) = Cluster::start(3, &[]) else { return };
    let [first, second, third] = cluster.nodes.as_slice() else { panic!() };
    for round in 0..10 {
        submit(second, 1).await;
        assert_eq!(values(third).await.iter().sum::<f64>(), 1.0, "round {round}");
        let delete = client().delete(first.url("/v1/metrics/m")).basic_auth(USER, Some(TOKEN));
        assert_eq!(delete.send().await.unwrap().status(), 204);
        assert_eq!(values(third).await, [0.0; 0]);
        // The second one remembers the metric that is gone.
        submit(second, 7).await;
        assert_eq!(values(third).await.iter().sum::<f64>(), 7.0, "round {round}");
        let delete = client().delete(third.url("/v1/metrics/m")).basic_auth(USER, Some(TOKEN));
        assert_eq!(delete.send().await.unwrap().status(), 204);
    }
}
