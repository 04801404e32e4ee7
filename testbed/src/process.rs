//! Server processes that cannot outlive the process that started them.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::error::{Context, Error};

/// Starts the server given by its arguments and waits for a line on its stdin. The other end of that pipe is held by
/// the process under test: when it dies the read ends, whatever it died of, and the server is killed and its
/// directory ($0) removed. A line instead is a signal to stop with, and the directory stays.
const SUPERVISOR: &str = r#"
trap '' INT
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{
    if read -r signal <&3; then kill -"$signal" "$server"; else kill -QUIT "$server"; touch "$0/.abandoned"; fi
} 2>/dev/null &
watcher=$!
wait "$server"
kill "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
if [ -e "$0/.abandoned" ]; then rm -rf "$0"; fi
"#;

/// A running server and the shell that watches over it.
#[derive(Debug)]
pub(crate) struct Supervised {
    shell: Child,
}

impl Supervised {
    /// Starts a command line; `directory` is removed when the server is not stopped but dropped.
    pub(crate) fn start(
        line: &[String],
        directory: &Path,
        log: Stdio,
        environment: &[(String, String)],
    ) -> Result<Self, Error> {
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR]).arg(directory).args(line);
        command
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/");
        // A group of its own: an interrupt at the terminal is for the tests, and the server goes when they do.
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        let shell = command
            .spawn()
            .context(|| format!("starting {}", line.join(" ")))?;
        Ok(Self { shell })
    }

    /// Whether the server has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        !matches!(self.shell.try_wait(), Ok(None))
    }

    /// Stops the server by a signal and keeps its directory.
    pub(crate) fn stop(mut self, signal: &str) -> Result<(), Error> {
        if let Some(mut pipe) = self.shell.stdin.take() {
            writeln!(pipe, "{signal}").context(|| "stopping a server".into())?;
            self.shell
                .wait()
                .context(|| "waiting for a server to stop".into())?;
        }
        Ok(())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing to do about a failure: the shell is on its own now and will finish.
        let _ = self.shell.wait();
    }
}
