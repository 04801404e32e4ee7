//! A stand-in for AWS that answers what a test tells it to: for what no emulator does, refusals, delays and pages.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use percent_encoding::percent_decode_str;

use super::Aws;

/// A request of the query protocol; for JSON services the parameters are empty.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) action: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// A status and a body.
pub(crate) type Reply = (u16, String);

/// A successful answer with this inside its result element.
pub(crate) fn ok(action: &str, result: &str) -> Reply {
    let body = format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"
    );
    (200, body)
}

/// A refusal.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    (status, body)
}

/// The stand-in. It lives until the test process ends.
pub(crate) struct Stub {
    pub(crate) aws: Aws,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// Starts one that answers the `n`th request for an action, from 0, by `answer(request, n)`.
    pub(crate) async fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&log));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        let retries = RetryConfig::standard()
            .with_max_attempts(8)
            .with_initial_backoff(Duration::from_millis(1));
        let credentials = Credentials::new("AKIDTEST", "secret", None, None, "test");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
            .retry_config(retries)
            .load()
            .await;
        Self {
            aws: Aws::from_config(config),
            log,
        }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.lock().expect("no test panicked in here").clone()
    }

    /// How many requests for an action there were.
    pub(crate) fn count(&self, action: &str) -> usize {
        let requests = self.requests();
        requests.iter().filter(|request| request.action == action).count()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request, usize) -> Reply, seen: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let (mut length, mut target, mut line) = (0, String::new(), String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) && !line.trim().is_empty() {
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a number"),
            "x-amz-target" => target = value.rsplit('.').next().unwrap_or_default().trim().to_owned(),
            _ => {}
        }
        line.clear();
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let decoded = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let body = String::from_utf8_lossy(&body);
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let parameters: BTreeMap<String, String> = if target.is_empty() {
        pairs
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    } else {
        BTreeMap::new()
    };
    let action = parameters.get("Action").cloned().unwrap_or(target);
    let request = Request { action, parameters };
    let earlier = {
        let mut seen = seen.lock().expect("no test panicked in here");
        let earlier = seen.iter().filter(|other| other.action == request.action).count();
        seen.push(request.clone());
        earlier
    };
    let (status, body) = answer(&request, earlier);
    // The id is where AWS sends it, in a header.
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\nx-amzn-requestid: r-1\r\n\r\n",
        body.len()
    );
    // The client may have gone; a test that depends on the answer fails by itself.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
