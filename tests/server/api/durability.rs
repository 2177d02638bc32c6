//! No acknowledged write is lost: a real process over a real file is killed while clients write to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use librato_apply::serve::{Data, OpenError, Options, Store, router, run};
use serde_json::json;

use crate::harness::{Api, TOKEN, USER, credentials};

const PATH: &str = "SERVE_API_TEST_DATA";

/// The server process of the tests below, not a test by itself. Ends when its standard input does.
#[ignore = "started by other tests in a process of its own"]
#[tokio::test(flavor = "multi_thread")]
async fn serve_until_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = Store::open(&Data::File(path.into())).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    let orphaned = async {
        let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    };
    run(listener, router(store.clone(), credentials(), &Options::default()), store, orphaned).await.unwrap();
}

fn start(data: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["api::durability::serve_until_killed", "--exact", "--ignored", "--nocapture"])
        .env(PATH, data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.split("listening on ").nth(1).map(str::to_owned))
        .expect("the server process tells its address");
    (child, address)
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("a.db");
    let (mut child, address) = start(&data);
    let (client, acknowledged) = (client(), Arc::new(Mutex::new(Vec::new())));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (client, acknowledged, address) =
                (client.clone(), Arc::clone(&acknowledged), address.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let name = format!("w{writer}.{n}");
                    let alert = json!({"name": name}).to_string();
                    let sample = json!({"tags": {"n": name}, "measurements": [{"name": name, "value": n}]})
                        .to_string();
                    for (route, body, status) in [("alerts", alert, 201), ("measurements", sample, 202)] {
                        let request = client
                            .post(format!("http://{address}/v1/{route}"))
                            .basic_auth(USER, Some(TOKEN))
                            .header("content-type", "application/json")
                            .body(body);
                        match request.send().await {
                            Ok(answer) if answer.status() == status => {
                                acknowledged.lock().unwrap().push((route, name.clone()));
                            }
                            Ok(answer) => panic!("{route} answered {}", answer.status()),
                            Err(_) => return,
                        }
                    }
                }
            })
        })
        .collect();
    while acknowledged.lock().unwrap().len() < 200 {
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    let api = Api {
        router: router(Store::open(&Data::File(data.clone())).unwrap(), credentials(), &Options::default()),
    };
    for (route, name) in &acknowledged {
        let path =
            if *route == "alerts" { format!("/v1/alerts/{name}") } else { format!("/v1/metrics/{name}") };
        assert_eq!(api.get(&path).await.status, 200, "{path} was acknowledged and is gone");
    }
    for (_, name) in acknowledged.iter().filter(|(route, _)| *route == "measurements") {
        let path = format!("/v1/measurements/{name}?resolution=60&duration=3600&summary_function=all");
        let read = api.get(&path).await.expect(200);
        let points = read["series"][0]["measurements"].as_array().unwrap();
        let counts: u64 = points.iter().map(|point| point["count"].as_u64().unwrap()).sum();
        assert_eq!((points.len(), counts), (1, 1), "{name} was acknowledged once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_is_told_who_has_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("a.db");
    let (mut child, _) = start(&data);
    let second = Store::open(&Data::File(data.clone()));
    let Err(error @ OpenError::InUse { .. }) = second else { panic!("opened twice") };
    assert!(error.to_string().contains(&format!("(process {})", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    Store::open(&Data::File(data)).unwrap();
}
