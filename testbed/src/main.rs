//! Keeps a world running for as long as somebody wants it: `testbed up`. And plays the operator of that world, who
//! hands out access keys: `testbed access-key`.

use std::{
    error::Error,
    io::{self, BufRead, Write},
    net::IpAddr,
    process::ExitCode,
};

use tenantctl_testbed::{Credentials, MASTER, Options, World};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: testbed up [--postgres 15|16|17|18] [--identifier NAME] [--source-ip ADDRESS]
       testbed access-key USER

up: starts Postgres, set up like Aurora, and an AWS emulator. Prints the environment that reaches them as `export`
lines, then `# ready`, and runs until its standard input ends or it is told to stop by SIGINT or SIGTERM. Whoever
assumes a role does so from ADDRESS (127.0.0.1), which is what trust policies see. A line `source-ip ADDRESS` on
standard input changes it, and is answered by `# source-ip ADDRESS`.

access-key: creates an access key of an IAM user in the emulator that AWS_ENDPOINT_URL names, and prints it as `export`
lines.
";

#[derive(Debug, PartialEq)]
enum Command {
    Up {
        major: u16,
        identifier: String,
        source_ip: Option<IpAddr>,
    },
    AccessKey {
        user: String,
    },
}

fn main() -> ExitCode {
    let Some(command) = parse(std::env::args().skip(1)) else {
        let _ = io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    let done = match &command {
        Command::Up {
            major,
            identifier,
            source_ip,
        } => up(*major, identifier, *source_ip),
        Command::AccessKey { user } => access_key(user),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Command> {
    match words.next()?.as_str() {
        "up" => parse_up(words),
        "access-key" => {
            let user = words.next().filter(|word| !word.starts_with('-'))?;
            words.next().is_none().then_some(Command::AccessKey { user })
        }
        _ => None,
    }
}

fn parse_up(mut words: impl Iterator<Item = String>) -> Option<Command> {
    let (mut major, mut identifier, mut source_ip) = (15, "prod-tenants".to_owned(), None);
    while let Some(option) = words.next() {
        match option.as_str() {
            "--postgres" => major = words.next()?.parse().ok()?,
            "--identifier" => identifier = words.next()?,
            "--source-ip" => source_ip = Some(words.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(Command::Up {
        major,
        identifier,
        source_ip,
    })
}

fn up(major: u16, identifier: &str, source_ip: Option<IpAddr>) -> Result<(), Box<dyn Error>> {
    let world = World::start_with(major, identifier, &Options::default())?;
    if source_ip.is_some() {
        world.proxy.check_trust(source_ip);
    }
    let mut env = world.env();
    let own = [
        ("TENANTCTL_DEMO_ENDPOINT", world.endpoint()),
        ("TENANTCTL_DEMO_MASTER", MASTER.to_owned()),
        ("TENANTCTL_DEMO_RESOURCE_ID", world.cluster.resource_id.clone()),
        (
            "TENANTCTL_DEMO_CA",
            world.front_door.ca_file().display().to_string(),
        ),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    run_until_the_end(&world, &env)?;
    Ok(())
}

fn access_key(user: &str) -> Result<(), Box<dyn Error>> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap_or_default();
    let port = endpoint
        .strip_prefix("http://127.0.0.1:")
        .and_then(|port| port.trim_end_matches('/').parse().ok());
    let port =
        port.ok_or("AWS_ENDPOINT_URL names no emulator: take the environment that `testbed up` prints")?;
    let key = Credentials::create(port, user)?;
    print(&[
        ("AWS_ACCESS_KEY_ID".to_owned(), key.access_key),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), key.secret_key),
    ])?;
    Ok(())
}

fn print(env: &[(String, String)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, value) in env {
        writeln!(out, "export {name}='{}'", value.replace('\'', r"'\''"))?;
    }
    out.flush()
}

/// Says that all is ready, does what standard input says, and returns when that ends or somebody asks for it by a
/// signal.
fn run_until_the_end(world: &World, env: &[(String, String)]) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (said, mut lines) = tokio::sync::mpsc::unbounded_channel();
    // A thread of its own: the read cannot be interrupted, and a signal must not wait for it.
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        print(env)?;
        writeln!(io::stdout(), "# ready")?;
        loop {
            tokio::select! {
                line = lines.recv() => match line {
                    Some(line) => obey(world, &line)?,
                    None => return Ok(()),
                },
                _ = interrupted.recv() => return Ok(()),
                _ = terminated.recv() => return Ok(()),
            }
        }
    })
}

fn obey(world: &World, line: &str) -> io::Result<()> {
    let address = line
        .strip_prefix("source-ip ")
        .and_then(|address| address.trim().parse().ok());
    match address {
        Some(address) => {
            world.proxy.check_trust(Some(address));
            writeln!(io::stdout(), "# source-ip {address}")
        }
        None => writeln!(io::stderr(), "testbed: not understood: {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<Command> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let up = Command::Up {
            major: 17,
            identifier: "prod-tenants".into(),
            source_ip: Some(IpAddr::from([192, 0, 2, 1])),
        };
        assert_eq!(parsed("up --postgres 17 --source-ip 192.0.2.1"), Some(up));
        let user = "client01".into();
        assert_eq!(parsed("access-key client01"), Some(Command::AccessKey { user }));
        for line in [
            "",
            "down",
            "up --source-ip here",
            "up --postgres",
            "access-key",
            "access-key a b",
            "access-key -x",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
