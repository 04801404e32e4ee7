//! As much of an HTTP client as talking to the emulator takes.

use std::{net::SocketAddr, sync::LazyLock};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::error::Error;

/// The characters that stay as they are in a canonical query string, of which forms are a case.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

static CLIENT: LazyLock<Client<HttpConnector, Full<Bytes>>> = LazyLock::new(|| {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
});

/// Percent-encodes the way AWS signatures want it.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The body of a form.
pub(crate) fn form(params: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = params
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

fn failed(error: impl std::fmt::Debug) -> Error {
    Error::Server(format!("the emulator cannot be reached: {error:?}"))
}

/// Posts a body and returns the answer's, unless the status is an error.
pub(crate) async fn post(
    address: SocketAddr,
    headers: &[(&str, String)],
    body: String,
) -> Result<String, Error> {
    let mut request = Request::post(format!("http://{address}/"));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    text(forward(request.body(Full::from(body)).map_err(failed)?).await?)
}

/// Reads a page of the emulator that is JSON.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<Value, Error> {
    let request = Request::get(format!("http://{address}{path}"))
        .body(Full::default())
        .map_err(failed)?;
    serde_json::from_str(&text(forward(request).await?)?).map_err(failed)
}

/// Sends a request and reads the whole answer.
pub(crate) async fn forward(request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
    let (head, body) = CLIENT.request(request).await.map_err(failed)?.into_parts();
    Ok(Response::from_parts(
        head,
        body.collect().await.map_err(failed)?.to_bytes(),
    ))
}

fn text(answer: Response<Bytes>) -> Result<String, Error> {
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    match answer.status().is_success() {
        true => Ok(body),
        false => Err(Error::Aws {
            status: answer.status().as_u16(),
            body,
        }),
    }
}
