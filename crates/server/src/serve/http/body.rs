//! Request bodies, queries and path segments: bytes to JSON objects, bounded in size, time and memory, never a 500.
//! Forms and JSON give the same object, so no handler knows which one was sent.

use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body as Stream, Bytes};
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::admission::MemoryPermit;
use super::fields::Object;
use super::form;
use super::problem::Problem;
use crate::serve::budget::{VALUE_BYTES, values};

/// Bodies above this length are read on a thread of their own.
const LONG: usize = 64 * 1024;

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Its length, before and after decompression.
    pub bytes: usize,
    /// How long it may take to arrive.
    pub time: Duration,
}

/// The parameters of a body, form or JSON; empty when there is no body.
pub struct Body(pub Object);

/// A body that is read by who knows what most of its kind look like: JSON, or a form where there may be forms; 415 for others.
pub struct Unread<const FORMS: bool>(Kind, Sent);

/// The text of a body.
#[derive(Clone)]
pub struct Text {
    kind: Kind,
    bytes: Bytes,
    claim: Option<MemoryPermit>,
}

/// A body as it came in, whatever its type and encoding, of at most so many bytes.
pub struct RawBody<const MOST: usize>(pub Bytes);

/// The parameters of the query string, with the bracket nesting of forms.
pub struct Query(pub Object);

/// The parameters of the path, percent-decoded.
pub struct Segments<T>(pub T);

impl<S: Sync> FromRequest<S> for Body
where
    Limits: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body, Problem> {
        let unread = Unread::<true>::from_request(request, state).await?;
        unread.read(|text| text.parameters()).await.map(Body)
    }
}

impl<S: Sync, const FORMS: bool> FromRequest<S> for Unread<FORMS>
where
    Limits: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Unread<FORMS>, Problem> {
        let kind = Kind::of(request.headers());
        if !FORMS && !matches!(kind, Kind::Json | Kind::Missing) {
            return Err(unsupported("application/json"));
        }
        Sent::receive(request, Limits::from_ref(state)).await.map(|sent| Unread(kind, sent))
    }
}

impl<const FORMS: bool> Unread<FORMS> {
    /// What `parse` makes of its text. What takes long does not hold up other requests.
    pub async fn read<T: Send + 'static>(
        self,
        parse: impl FnOnce(&Text) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Unread(kind, sent) = self;
        sent.read(kind, parse).await
    }
}

impl Text {
    /// As JSON, where it is taken for that and could be an object.
    pub fn json(&self) -> Option<&str> {
        let start = self.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_json = start == Some(&b'{') && !matches!(self.kind, Kind::Other);
        str::from_utf8(&self.bytes).ok().filter(|_| is_json)
    }

    /// Claims memory for what is made of it.
    pub fn hold(&self, bytes: usize) -> Result<(), Problem> {
        self.claim.as_ref().map_or(Ok(()), |claim| claim.grow(bytes)).map_err(Problem::from)
    }

    /// As JSON of any shape.
    pub fn value(&self) -> Result<Value, Problem> {
        self.hold(VALUE_BYTES * values(&self.bytes))?;
        value(&self.bytes)
    }

    /// The parameters of a form or of JSON.
    pub fn parameters(&self) -> Result<Object, Problem> {
        self.hold(VALUE_BYTES * values(&self.bytes))?;
        let start = self.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match (self.kind, start) {
            (_, None) => Ok(Object::new()),
            (Kind::Other, _) => Err(unsupported("application/json or application/x-www-form-urlencoded")),
            // curl sends JSON under its default form type, and the API's own documentation does so too.
            (Kind::Json, _) | (Kind::Form | Kind::Missing, Some(b'{' | b'[')) => json(&self.bytes),
            (Kind::Form | Kind::Missing, Some(_)) => form(&self.bytes),
        }
    }
}

impl<S: Sync, const MOST: usize> FromRequest<S> for RawBody<MOST>
where
    Limits: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<RawBody<MOST>, Problem> {
        let limits = Limits::from_ref(state);
        let limits = Limits { bytes: limits.bytes.min(MOST), ..limits };
        receive(request, limits).await.map(|(_, bytes, _)| RawBody(bytes))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Problem> {
        form(parts.uri.query().unwrap_or_default().as_bytes()).map(Query)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segments<T>, Problem> {
        let Path(segments) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::unreadable("The path is not valid UTF-8."))?;
        Ok(Segments(segments))
    }
}

/// An id of the path; what is not a number names nothing.
pub fn numeric(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| Problem::not_found())
}

/// What its head says it is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Json,
    Form,
    Missing,
    Other,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Kind {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Kind::Missing };
        let essence =
            value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "" => Kind::Missing,
            "application/json" => Kind::Json,
            "application/x-www-form-urlencoded" => Kind::Form,
            _ => Kind::Other,
        }
    }
}

fn unsupported(wanted: &str) -> Problem {
    Problem::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("Content-Type must be {wanted}"))
}

fn too_large(limit: usize) -> Problem {
    Problem::request(StatusCode::PAYLOAD_TOO_LARGE, format!("The request body is larger than {limit} bytes."))
}

/// A body as it came in, with what its request occupies.
struct Sent {
    bytes: Bytes,
    gzip: bool,
    limit: usize,
    claim: Option<MemoryPermit>,
}

impl Sent {
    /// Takes in the whole body, of at most the allowed length and in the allowed time.
    async fn receive(request: Request, limits: Limits) -> Result<Sent, Problem> {
        let (headers, bytes, claim) = receive(request, limits).await?;
        // appoptics-api-go announces gzip even where there is no body at all.
        let encoding = headers.get(header::CONTENT_ENCODING).filter(|_| !bytes.is_empty());
        let gzip = match encoding.map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => false,
            Some("gzip" | "x-gzip") => true,
            Some(_) => {
                let message = "Content-Encoding must be gzip or absent";
                return Err(Problem::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
            }
        };
        Ok(Sent { bytes, gzip, limit: limits.bytes, claim })
    }

    /// Inflates the body if need be and lets `parse` read it. What takes long does not hold up other requests.
    async fn read<T: Send + 'static>(
        self,
        kind: Kind,
        parse: impl FnOnce(&Text) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let long = self.gzip || self.bytes.len() > LONG;
        let work = move || {
            let Sent { mut bytes, gzip, limit, claim } = self;
            if gzip {
                bytes = inflate(&bytes, limit, claim.as_ref())?;
            }
            parse(&Text { kind, bytes, claim })
        };
        if !long {
            return work();
        }
        let outcome = tokio::task::spawn_blocking(work).await;
        outcome.map_err(|_| Problem::internal("reading a body panicked"))?
    }
}

/// Takes in a whole body as it comes, with the headers that speak of it and what its request occupies.
async fn receive(
    request: Request,
    limits: Limits,
) -> Result<(HeaderMap, Bytes, Option<MemoryPermit>), Problem> {
    let limit = limits.bytes;
    let (parts, stream) = request.into_parts();
    let claim = parts.extensions.get::<MemoryPermit>().cloned();
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let bytes = tokio::time::timeout(limits.time, collect(stream, limit, claim.as_ref()))
        .await
        .map_err(|_| Problem::request(StatusCode::REQUEST_TIMEOUT, "The request body came too slowly."))??;
    Ok((parts.headers, bytes, claim))
}

async fn collect(stream: Stream, limit: usize, claim: Option<&MemoryPermit>) -> Result<Bytes, Problem> {
    use futures_util::StreamExt as _;
    let mut chunks = stream.into_data_stream();
    let mut whole = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::unreadable("The request body ended early."))?;
        extend(&mut whole, &chunk, limit, claim)?;
    }
    Ok(whole.into())
}

fn inflate(bytes: &[u8], limit: usize, claim: Option<&MemoryPermit>) -> Result<Bytes, Problem> {
    let mut inflater = MultiGzDecoder::new(bytes);
    let mut chunk = [0; 16 * 1024];
    let mut whole = Vec::new();
    loop {
        let read = inflater.read(&mut chunk);
        match read.map_err(|_| Problem::unreadable("The request body is not valid gzip."))? {
            0 => return Ok(whole.into()),
            length => extend(&mut whole, &chunk[..length], limit, claim)?,
        }
    }
}

fn extend(
    whole: &mut Vec<u8>,
    chunk: &[u8],
    limit: usize,
    claim: Option<&MemoryPermit>,
) -> Result<(), Problem> {
    if whole.len() + chunk.len() > limit {
        return Err(too_large(limit));
    }
    claim.map_or(Ok(()), |claim| claim.grow(chunk.len()))?;
    whole.extend_from_slice(chunk);
    Ok(())
}

fn json(bytes: &[u8]) -> Result<Object, Problem> {
    match value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::unreadable("The request body must be a JSON object.")),
    }
}

/// Numbers are read by serde_json with a depth limit of 128; its messages name line and column and quote nothing.
fn value(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::unreadable(format!("The request body is not valid JSON: {error}")))
}

fn form(bytes: &[u8]) -> Result<Object, Problem> {
    form::decode(bytes).map_err(|error| Problem::unreadable(format!("Cannot read the request: {error}.")))
}
