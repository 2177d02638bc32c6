// Included by the examples of the library's documentation: a server in memory for the length of one example.
// Without the feature `serve` there is none, and the examples are only compiled.

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

#[cfg(feature = "serve")]
pub fn with_server(example: impl AsyncFnOnce(String, String) -> Outcome) {
    use librato_apply::serve::{Credentials, Data, Options, Store, router, run};

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Data::Memory).unwrap();
        let token = "a-token";
        let app = router(
            store.clone(),
            vec![Credentials::new("ops@example.org", &token.into())],
            &Options::default(),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(run(listener, app, store, std::future::pending()));
        example(url, token.to_owned()).await.unwrap();
    });
}

#[cfg(not(feature = "serve"))]
pub fn with_server(_: impl AsyncFnOnce(String, String) -> Outcome) {}
