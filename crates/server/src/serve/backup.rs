//! `GET /v1/backup`: a copy of the data file as it is at one moment, one at a time. It takes no path: where files lie is not
//! for clients to say.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::http::problem::Problem;
use super::store::Store;

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;

/// Whose turn it is: each copy takes as much room on the disk as the data.
#[derive(Debug, Clone)]
pub struct Turn(Arc<Semaphore>);

impl Default for Turn {
    fn default() -> Turn {
        Turn(Arc::new(Semaphore::new(1)))
    }
}

/// `GET /v1/backup`
pub async fn show(State(store): State<Store>, State(turn): State<Turn>) -> Result<Response, Problem> {
    let busy = || {
        let message = "Another backup is being made. Try again when it is done.";
        Problem::request(StatusCode::TOO_MANY_REQUESTS, message).retry_after(10)
    };
    let turn = turn.0.try_acquire_owned().map_err(|_| busy())?;
    let no_file = || {
        let message = if store.is_shared() {
            "This server keeps its data in a PostgreSQL database. There is no file to copy: have PostgreSQL make its backups."
        } else {
            "This server keeps its data in memory. There is no file to copy."
        };
        Problem::request(StatusCode::CONFLICT, message)
    };
    let copy = store.copy().await?.ok_or_else(no_file)?;
    let length = copy.metadata().map_err(Problem::internal)?.len();
    let name = format!("attachment; filename=\"librato-{}.db\"", store.now());
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(chunks(copy, turn))).into_response())
}

/// Only its length would be told, for which all would have to be copied.
pub async fn head() -> Problem {
    Problem::request(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed on this resource.")
}

/// The turn ends with the file, also when the client hangs up.
fn chunks(file: File, turn: OwnedSemaphorePermit) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    futures_util::stream::try_unfold((file, turn), async |(mut file, turn)| {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = Vec::with_capacity(CHUNK);
            (&mut file).take(CHUNK as u64).read_to_end(&mut chunk)?;
            io::Result::Ok((chunk, file))
        });
        let (chunk, file) = read.await.map_err(io::Error::other)??;
        Ok((!chunk.is_empty()).then(|| (Bytes::from(chunk), (file, turn))))
    })
}
