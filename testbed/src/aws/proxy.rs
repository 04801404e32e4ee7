//! Stands in front of the emulator, counts what is asked of it, and says no where AWS would and the emulator does not.

mod call;
mod fault;
mod iam;
mod pages;
mod permission;
mod trust;
mod xml;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use crate::{
    aws::{Aws, call::Caller, environment, http},
    error::{Context, Error},
    gate::{Gate, Passage},
    runtime,
};
use call::Call;
use fault::Weather;
pub use fault::{Behaviour, Fault};
use iam::Newborn;

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
    creating: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<String, usize>,
    faults: Vec<Fault>,
    source_ip: Option<IpAddr>,
    check_policies: bool,
    gate: Arc<Gate>,
    behaviour: Behaviour,
    weather: Weather,
    /// Tokens, and when they were counted: see [`Behaviour::per_second`].
    bucket: Option<(f64, Instant)>,
    /// Calls that came beyond the rate.
    throttled: usize,
    newborn: Newborn,
    told: pages::Told,
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
            creating: tokio::sync::Mutex::default(),
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

    /// How many of these calls came beyond [`Behaviour::per_second`].
    pub fn throttled(&self) -> usize {
        self.shared.state().throttled
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        let mut state = self.shared.state();
        state.counts.clear();
        state.throttled = 0;
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// From now on it behaves so, whatever it did before.
    pub fn behave(&self, behaviour: Behaviour) {
        let mut state = self.shared.state();
        state.weather = Weather::of(&behaviour);
        state.bucket = None;
        state.behaviour = behaviour;
    }

    /// Removes all faults, and behaves as at first.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
        self.behave(Behaviour::default());
    }

    /// Whatever changes something goes through this gate from now on.
    pub(crate) fn guard(&self, gate: &Arc<Gate>) {
        self.shared.state().gate = Arc::clone(gate);
    }

    /// From now on users of the emulator may do what their policies allow, and nothing else. Keys that belong to no user,
    /// such as the operator's, go on to do anything.
    pub fn check_policies(&self) {
        self.shared.state().check_policies = true;
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
        let mut call = Call::read(request).await?;
        *self.state().counts.entry(call.action.clone()).or_default() += 1;
        let fault = self.fault(&call.action).await;
        match &fault {
            Some(Fault::Error {
                code,
                message,
                status,
                ..
            }) => return Ok(call.error(*status, code, message)),
            Some(Fault::Reset { .. }) => return Err(Error::Server("cut off on purpose".into())),
            Some(Fault::LostAnswer { .. }) | None => {}
        }
        if let Some(refusal) = self.forbids(&call).await? {
            return Ok(call.error(403, "AccessDenied", &refusal));
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
        let _in_turn = self.in_turn(&call).await;
        if let Some(refusal) = self.refuses(&call).await? {
            return Ok(call.error(refusal.status, refusal.code, &refusal.message));
        }
        let page = self.page(&mut call);
        if let Some(answer) = self.known(page.as_ref()) {
            return Ok(answer);
        }
        let leaving = self.leaving(&call).await?;
        let answer = http::forward(call.forwarded(self.aws)?).await?;
        if answer.status().is_success() {
            self.done(&call, leaving).await?;
        }
        if passage == Passage::Last {
            gate.shut().await;
            return Err(Error::Server("stopped behind the gate".into()));
        }
        let answer = self.told(&call, page, answer);
        match fault {
            Some(Fault::LostAnswer { .. }) => Err(Error::Server("lost on purpose".into())),
            _ => Ok(answer.map(Full::from)),
        }
    }
}
