//! However a process dies, its servers die too.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

struct Up {
    child: Child,
    stdin: Option<ChildStdin>,
    env: BTreeMap<String, String>,
}

impl Up {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
        command.args(["up", "--postgres", "16", "--identifier", "leftovers"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let lines = lines.take_while(|line| line != "# ready");
        let pair = |line: String| {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('\'').to_owned())
        };
        let env = lines.map(pair).collect();
        let stdin = child.stdin.take();
        Self { child, stdin, env }
    }

    fn ports(&self) -> [u16; 2] {
        let port = |name: &str| self.env[name].rsplit_once(':').unwrap().1.parse().unwrap();
        [port("TENANTCTL_DEMO_ENDPOINT"), port("AWS_ENDPOINT_URL")]
    }

    fn directory(&self) -> PathBuf {
        PathBuf::from(&self.env["TENANTCTL_DEMO_CA"])
            .parent()
            .unwrap()
            .to_owned()
    }
}

fn postmaster(up: &Up) -> PathBuf {
    let pid_file = up.directory().join("data/postmaster.pid");
    let pid = std::fs::read_to_string(pid_file)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    PathBuf::from("/proc").join(pid)
}

/// The processes that the servers of a test process descend from: its children, and theirs.
fn descendants(pid: u32) -> Vec<PathBuf> {
    let children = |pid: &str| {
        let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .map(|task| task.unwrap().file_name());
    let of_task = |task: std::ffi::OsString| {
        let path = format!("/proc/{pid}/task/{}/children", task.display());
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut found: Vec<String> = tasks.flat_map(of_task).collect();
    let mut next = 0;
    while next < found.len() {
        let more = children(&found[next]);
        found.extend(more);
        next += 1;
    }
    found
        .into_iter()
        .map(|pid| PathBuf::from("/proc").join(pid))
        .collect()
}

fn assert_gone(what: &str, up: &Up, postmaster: &PathBuf, processes: &[PathBuf]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let listening = || {
        up.ports()
            .iter()
            .any(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
    };
    let running = || {
        processes
            .iter()
            .chain([postmaster])
            .any(|process| process.exists())
    };
    while listening() || running() || up.directory().exists() {
        assert!(
            Instant::now() < deadline,
            "{what}: {processes:?} {}",
            up.directory().display()
        );
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_left_of_a_process_that_ends() {
    type End = fn(&mut Up);
    let kill: End = |up| up.child.kill().unwrap();
    let close: End = |up| drop(up.stdin.take());
    let terminate: End = |up| {
        let status = Command::new("kill")
            .arg(up.child.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    };
    for (what, clean, end) in [
        ("SIGKILL", false, kill),
        ("end of input", true, close),
        ("SIGTERM", true, terminate),
    ] {
        let mut up = Up::start();
        let (postmaster, processes) = (postmaster(&up), descendants(up.child.id()));
        assert!(
            postmaster.exists() && processes.contains(&postmaster),
            "{processes:?}"
        );
        end(&mut up);
        assert_eq!(up.child.wait().unwrap().success(), clean, "{what}");
        assert_gone(what, &up, &postmaster, &processes);
    }
}
