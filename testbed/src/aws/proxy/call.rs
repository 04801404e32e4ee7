//! A request of any protocol, and answers in the same.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST},
};
use percent_encoding::percent_decode_str;

use crate::error::Error;

/// One request, read to its end.
pub(super) struct Call {
    head: hyper::http::request::Parts,
    body: Bytes,
    pub(super) action: String,
    pub(super) json: bool,
}

impl Call {
    pub(super) async fn read(request: Request<Incoming>) -> Result<Self, Error> {
        let (head, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| Error::Server(error.to_string()))?
            .to_bytes();
        let target = head
            .headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let target = target.and_then(|value| Some(value.rsplit_once('.')?.1.to_owned()));
        let mut call = Self {
            json: target.is_some(),
            action: String::new(),
            head,
            body,
        };
        // What has neither is REST, as S3 is; there the method says most.
        call.action = target
            .or_else(|| call.parameter("Action"))
            .unwrap_or_else(|| call.head.method.as_str().to_owned());
        Ok(call)
    }

    /// Whether it creates, alters or deletes something.
    pub(super) fn changes_something(&self) -> bool {
        let asks = ["Get", "List", "Describe", "Assume", "GET", "HEAD"];
        !asks.iter().any(|verb| self.action.starts_with(verb))
    }

    /// A field of the form.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let form = std::str::from_utf8(&self.body).ok()?;
        let value = form
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(
            percent_decode_str(&value.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned(),
        )
    }

    /// Asks for the whole of a list, and returns from where on the caller wanted it.
    pub(super) fn ask_for_all(&mut self) -> Option<String> {
        let marker = self.parameter("Marker");
        let form = String::from_utf8_lossy(&self.body);
        let kept = form.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !matches!(name, "Marker" | "MaxItems" | "MaxRecords")
        });
        let kept: Vec<_> = kept.chain((!self.is_rds()).then_some("MaxItems=1000")).collect();
        self.body = Bytes::from(kept.join("&"));
        marker
    }

    fn is_rds(&self) -> bool {
        self.action.starts_with("DescribeDB")
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The key that signed the request.
    pub(super) fn access_key(&self) -> String {
        self.scope(0)
    }

    /// The service that it was signed for, such as `iam`.
    pub(super) fn service(&self) -> String {
        self.scope(3)
    }

    /// A part of the scope `KEY/DATE/REGION/SERVICE/aws4_request`.
    fn scope(&self, part: usize) -> String {
        let header = self
            .head
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let scope = header.split_once("Credential=").map_or("", |(_, rest)| rest);
        scope.split('/').nth(part).unwrap_or_default().to_owned()
    }

    pub(super) fn forwarded(&self, aws: SocketAddr) -> Result<Request<Full<Bytes>>, Error> {
        let path = self
            .head
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        let mut request = Request::from_parts(self.head.clone(), Full::from(self.body.clone()));
        let uri = format!("http://{aws}{path}").parse();
        *request.uri_mut() = uri.map_err(|_| Error::Server(format!("cannot pass on {path}")))?;
        // The client sets its own; the emulator finds the service by the signature's scope.
        request.headers_mut().remove(HOST);
        request.headers_mut().remove(CONTENT_LENGTH);
        Ok(request)
    }

    /// An error in the form of the protocol that the caller speaks.
    pub(super) fn error(&self, status: u16, code: &str, message: &str) -> Response<Full<Bytes>> {
        let (kind, body) = if self.json {
            let body = serde_json::json!({ "__type": code, "message": message });
            ("application/x-amz-json-1.1", body.to_string())
        } else {
            let text = message.replace('&', "&amp;").replace('<', "&lt;");
            let fault = if status < 500 { "Sender" } else { "Receiver" };
            let error =
                format!("<Error><Type>{fault}</Type><Code>{code}</Code><Message>{text}</Message></Error>");
            (
                "text/xml",
                format!("<ErrorResponse>{error}<RequestId>testbed</RequestId></ErrorResponse>"),
            )
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
        response
    }
}
