//! Stands in front of the emulator, counts what is asked of it, and says no where AWS would and the emulator does not.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use crate::{
    aws::{
        Aws,
        call::Caller,
        environment, http,
        policy::{self, Verdict, evaluate},
    },
    error::{Context, Error},
    gate::{Gate, Passage},
    runtime,
};

/// Something that goes wrong on purpose. The first that fits a call is used.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers an action with an error, and does not pass it on.
    Error {
        /// The action, for example `CreateUser`; `*` is every action.
        action: String,
        /// The error code, for example `Throttling`.
        code: String,
        /// The message.
        message: String,
        /// The HTTP status.
        status: u16,
        /// How many calls fail; those after them pass.
        times: usize,
    },
    /// Passes an action on and then loses the answer: the caller sees a broken connection.
    LostAnswer {
        /// The action, or `*`.
        action: String,
        /// How many answers are lost.
        times: usize,
    },
}

/// A running proxy. It ends when this value does.
#[derive(Debug)]
pub struct AwsProxy {
    port: u16,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    aws: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<String, usize>,
    faults: Vec<Fault>,
    source_ip: Option<IpAddr>,
    gate: Arc<Gate>,
}

impl AwsProxy {
    /// Starts a proxy in front of an emulator. It counts, and passes everything on.
    pub fn start(aws: &Aws) -> Result<Self, Error> {
        let opening = || "opening the proxy".to_owned();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context(opening)?;
        listener.set_nonblocking(true).context(opening)?;
        let port = listener.local_addr().context(opening)?.port();
        let shared = Arc::new(Shared {
            aws: aws.address(),
            state: Mutex::default(),
        });
        let task = runtime::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, task })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The environment of [`Aws::env`], with the proxy as the endpoint.
    pub fn env(&self) -> Vec<(String, String)> {
        environment(self.port)
    }

    /// Calls an action by way of the proxy; see [`Aws::call`].
    pub fn call(&self, service: &str, action: &str, params: &[(&str, &str)]) -> Result<String, Error> {
        Caller::operator(self.port).call(service, action, params)
    }

    /// Calls an action by way of the proxy as the owner of an access key; see [`Aws::call_with_key`].
    pub fn call_with_key(
        &self,
        access_key: &str,
        service: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<String, Error> {
        Caller {
            port: self.port,
            access_key,
        }
        .call(service, action, params)
    }

    /// Calls an action of the JSON protocol by way of the proxy; see [`Aws::call_json`].
    pub fn call_json(&self, service: &str, action: &str, body: &Value) -> Result<Value, Error> {
        Caller::operator(self.port).call_json(service, action, body)
    }

    /// How often each action was called, whatever became of it.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.shared.state().counts.clone()
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        self.shared.state().counts.clear();
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// Whatever changes something goes through this gate from now on.
    pub(crate) fn guard(&self, gate: &Arc<Gate>) {
        self.shared.state().gate = Arc::clone(gate);
    }

    /// From now on `AssumeRole` succeeds only for a caller whom the role's trust policy admits from this address,
    /// as on AWS; the emulator gives a session of any role to anybody. `None` leaves it to the emulator again.
    pub fn check_trust(&self, source_ip: Option<IpAddr>) {
        self.shared.state().source_ip = source_ip;
    }
}

impl Drop for AwsProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { shared.answer(request).await }
    });
    // An error here is a client that went away, or an answer that was to be lost.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Error> {
        let call = Call::read(request).await?;
        *self.state().counts.entry(call.action.clone()).or_default() += 1;
        let fault = self.state().fault(&call.action);
        if let Some(Fault::Error {
            code,
            message,
            status,
            ..
        }) = &fault
        {
            return Ok(call.error(*status, code, message));
        }
        if call.action == "AssumeRole"
            && let Some(refusal) = self.distrusts(&call).await?
        {
            return Ok(call.error(403, "AccessDenied", &refusal));
        }
        let gate = Arc::clone(&self.state().gate);
        let passage = match call.changes_something() {
            true => gate.pass(&call.action).await,
            false => Passage::Free,
        };
        if passage == Passage::Refused {
            return Err(Error::Server("stopped at the gate".into()));
        }
        let answer = http::forward(call.forwarded(self.aws)?).await?;
        if passage == Passage::Last {
            gate.shut().await;
            return Err(Error::Server("stopped behind the gate".into()));
        }
        match fault {
            Some(Fault::LostAnswer { .. }) => Err(Error::Server("lost on purpose".into())),
            _ => Ok(answer.map(Full::from)),
        }
    }

    /// Why the trust policy of the role does not let the caller in, when it does not.
    async fn distrusts(&self, call: &Call) -> Result<Option<String>, Error> {
        let Some(source_ip) = self.state().source_ip else {
            return Ok(None);
        };
        let role_arn = call.parameter("RoleArn").unwrap_or_default();
        let inside = |kind: &str, name: &str| format!("/testbed/{kind}?{}", http::encode(name));
        let role = http::get(self.aws, &inside("role", &role_arn)).await?;
        let caller = http::get(self.aws, &inside("principal", &call.access_key())).await?;
        match trusts(&role, &caller, &role_arn, source_ip) {
            true => Ok(None),
            false => {
                let caller = caller["arn"]
                    .as_str()
                    .unwrap_or("arn:aws:iam::123456789012:user/unknown");
                Ok(Some(format!(
                    "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
                )))
            }
        }
    }
}

/// Whether a role may be assumed: its trust policy names the caller, or it names the caller's account and a policy of
/// the caller allows it; and nothing on either side denies it.
fn trusts(role: &Value, caller: &Value, role_arn: &str, source_ip: IpAddr) -> bool {
    let Some(arn) = caller["arn"].as_str().filter(|_| caller["active"] == true) else {
        return false;
    };
    let account = arn.split(':').nth(4).unwrap_or_default();
    let root = format!("arn:aws:iam::{account}:root");
    let trust = std::slice::from_ref(&role["trust"]);
    let ask = |documents: &[Value], resource: Option<&str>, principals: &[&str]| {
        let source_ip = Some(source_ip);
        evaluate(
            documents,
            &policy::Request {
                action: "sts:AssumeRole",
                resource,
                principals,
                source_ip,
            },
        )
    };
    let own = caller["policies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let by_policy = ask(own, Some(role_arn), &[]);
    let by_account = ask(trust, None, &[arn, account, &root]);
    let by_name = ask(trust, None, &[arn]);
    by_policy != Verdict::Denied
        && by_account == Verdict::Allowed
        && (by_name == Verdict::Allowed || by_policy == Verdict::Allowed)
}

impl State {
    fn fault(&mut self, called: &str) -> Option<Fault> {
        let position = self.faults.iter().position(|fault| {
            let (Fault::Error { action, .. } | Fault::LostAnswer { action, .. }) = fault;
            action == "*" || action == called
        })?;
        let fault = self.faults[position].clone();
        let (Fault::Error { times, .. } | Fault::LostAnswer { times, .. }) = &mut self.faults[position];
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.faults.remove(position);
        }
        Some(fault)
    }
}

/// One request, read to its end.
struct Call {
    head: hyper::http::request::Parts,
    body: Bytes,
    action: String,
    json: bool,
}

impl Call {
    async fn read(request: Request<Incoming>) -> Result<Self, Error> {
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

    fn changes_something(&self) -> bool {
        let asks = ["Get", "List", "Describe", "Assume", "GET", "HEAD"];
        !asks.iter().any(|verb| self.action.starts_with(verb))
    }

    /// A field of the form.
    fn parameter(&self, name: &str) -> Option<String> {
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

    /// The key that signed the request.
    fn access_key(&self) -> String {
        let header = self
            .head
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let scope = header.split_once("Credential=").map_or("", |(_, rest)| rest);
        scope.split('/').next().unwrap_or_default().to_owned()
    }

    fn forwarded(self, aws: SocketAddr) -> Result<Request<Full<Bytes>>, Error> {
        let path = self
            .head
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        let mut request = Request::from_parts(self.head, Full::from(self.body));
        let uri = format!("http://{aws}{path}").parse();
        *request.uri_mut() = uri.map_err(|_| Error::Server(format!("cannot pass on {path}")))?;
        // The client sets its own; the emulator finds the service by the signature's scope.
        request.headers_mut().remove(HOST);
        Ok(request)
    }

    /// An error in the form of the protocol that the caller speaks.
    fn error(&self, status: u16, code: &str, message: &str) -> Response<Full<Bytes>> {
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
