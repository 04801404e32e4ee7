//! Starts emulators from one Python process, which has imported moto once and forks.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use crate::{
    aws::REGION,
    error::{Context, Error},
    host,
};

const PROGRAM: &str = include_str!("moto_servers.py");

/// One for the whole test process. Its stdin is a pipe from here: it ends, with its servers, when this process does.
static FACTORY: Mutex<Option<Factory>> = Mutex::new(None);

#[derive(Debug)]
struct Factory {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

/// One emulator. It ends when this value does.
#[derive(Debug)]
pub(crate) struct Server {
    pid: u32,
    port: u16,
}

impl Factory {
    fn start() -> Result<Self, Error> {
        let python = host::moto_python()?;
        let mut command = Command::new(&python);
        command
            .args(["-c", PROGRAM, REGION])
            .current_dir("/")
            .process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // moto prints what went wrong inside it; worth seeing only when an answer makes no sense.
        if std::env::var_os("TENANTCTL_TESTBED_VERBOSE").is_none() {
            command.stderr(Stdio::null());
        }
        // The values are never used; without them a library call inside moto could look for real ones.
        command
            .env("AWS_ACCESS_KEY_ID", "none")
            .env("AWS_SECRET_ACCESS_KEY", "none");
        let mut process = command
            .spawn()
            .context(|| format!("starting {}", python.display()))?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::Server("the emulator has no pipes".into()));
        };
        Ok(Self {
            requests,
            answers: BufReader::new(answers),
            _process: process,
        })
    }

    fn server(&mut self) -> Result<Server, Error> {
        writeln!(self.requests, "start").context(|| "asking for an emulator".into())?;
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .context(|| "waiting for an emulator".into())?;
        let numbers = answer
            .split_once(' ')
            .and_then(|(pid, port)| Some((pid.parse().ok()?, port.trim().parse().ok()?)));
        numbers.map(|(pid, port)| Server { pid, port }).ok_or_else(|| {
            Error::Server("the emulator did not start (TENANTCTL_TESTBED_VERBOSE=1 shows why)".into())
        })
    }
}

impl Server {
    pub(crate) fn start() -> Result<Self, Error> {
        let mut factory = FACTORY.lock().unwrap_or_else(PoisonError::into_inner);
        if factory.is_none() {
            *factory = Some(Factory::start()?);
        }
        let result = factory
            .as_mut()
            .map_or_else(|| Err(Error::Server("no factory".into())), Factory::server);
        if result.is_err() {
            *factory = None;
        }
        result
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(factory) = FACTORY.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // A failure means that the factory is gone, and its servers with it.
            let _ = writeln!(factory.requests, "stop {}", self.pid);
        }
    }
}
