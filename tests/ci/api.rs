//! As much of the APIs of GitHub and GitLab as the steps call: comments, issues and notes, with their authors.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};

/// The token that is asked for; whoever has it is the bot.
pub const TOKEN: &str = "the-token-of-the-job";
/// The longest body that GitHub takes, in characters.
const LONGEST: usize = 65_536;

/// A running server. It ends with the process.
pub struct Api {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Lists by their path: comments of a pull request, issues, notes of a merge request.
    lists: BTreeMap<String, Vec<Value>>,
    /// `METHOD path` of every call that wrote.
    writes: Vec<String>,
    last_id: u64,
}

impl Api {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &shared);
            }
        });
        Self { url, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Somebody else writes something.
    pub fn write_as(&self, author: &str, list: &str, body: &str) {
        self.state().create(list, author, &json!({ "body": body }));
    }

    /// What the bot wrote to a list: number and body.
    pub fn ours(&self, list: &str) -> Vec<Value> {
        let state = self.state();
        let all = state.lists.get(list).into_iter().flatten();
        all.filter(|item| item["user"]["login"] == "github-actions[bot]")
            .cloned()
            .collect()
    }

    /// What others wrote to a list.
    pub fn others(&self, list: &str) -> Vec<Value> {
        let state = self.state();
        let all = state.lists.get(list).into_iter().flatten();
        all.filter(|item| item["user"]["login"] != "github-actions[bot]")
            .cloned()
            .collect()
    }

    /// The calls that wrote since this was asked last.
    pub fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().writes)
    }
}

impl State {
    fn create(&mut self, list: &str, author: &str, fields: &Value) -> Value {
        self.last_id += 1;
        let mut item = json!({
            "id": self.last_id, "number": self.last_id, "state": "open",
            "user": { "login": author }, "author": { "id": user_id(author) },
        });
        merge(&mut item, fields);
        self.lists.entry(list.to_owned()).or_default().push(item.clone());
        item
    }

    fn answer(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == "/user" {
            return (200, json!({ "id": user_id("github-actions[bot]") }));
        }
        if method != "GET" {
            self.writes.push(format!("{method} {path}"));
        }
        let fields: Value = serde_json::from_str(body).unwrap_or_default();
        let too_long = fields["body"]
            .as_str()
            .is_some_and(|body| body.chars().count() > LONGEST);
        match method {
            "POST" | "PATCH" if too_long && path.starts_with("/repos/") => (
                422,
                json!({ "message": "Body is too long (maximum is 65536 characters)" }),
            ),
            "GET" => (200, self.page(path, query)),
            "POST" => (201, self.create(path, "github-actions[bot]", &fields)),
            _ => {
                let id = path.rsplit('/').next().and_then(|id| id.parse::<u64>().ok());
                let items = self.lists.values_mut().flatten();
                let found = items.into_iter().find(|item| item["id"].as_u64() == id);
                found.map_or((404, Value::Null), |item| {
                    merge(item, &fields);
                    (200, item.clone())
                })
            }
        }
    }

    fn page(&self, path: &str, query: &str) -> Value {
        let of = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let number = |name, default| of(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (size, page): (usize, usize) = (number("per_page", 30), number("page", 1));
        let all = self.lists.get(path).into_iter().flatten();
        let all = all.filter(|item| of("state").is_none_or(|state| item["state"] == state));
        all.skip((page - 1) * size).take(size).cloned().collect()
    }
}

fn user_id(author: &str) -> usize {
    author.len()
}

fn merge(item: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        item[name] = value.clone();
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let (mut length, mut authorized) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorized |= value == format!("Bearer {TOKEN}"),
            "private-token" => authorized |= value == TOKEN,
            // curl waits for it before it sends a long body.
            "expect" => reader
                .get_mut()
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, answer) = match authorized {
        true => state
            .lock()
            .unwrap()
            .answer(&method, &target, &String::from_utf8(body).unwrap()),
        false => (401, json!({ "message": "Bad credentials" })),
    };
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let _ = reader.get_mut().write_all((head + &answer).as_bytes());
}
