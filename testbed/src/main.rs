//! Keeps a world running for as long as somebody wants it: `testbed up`.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use tenantctl_testbed::{MASTER, Options, World};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: testbed up [--postgres 15|16|17|18] [--identifier NAME]

Starts Postgres, set up like Aurora, and an AWS emulator. Prints the environment that reaches them as `export` lines,
then `# ready`, and runs until its standard input ends or it is told to stop by SIGINT or SIGTERM.
";

struct Arguments {
    major: u16,
    identifier: String,
}

fn main() -> ExitCode {
    let Some(arguments) = parse(std::env::args().skip(1)) else {
        let _ = io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    match up(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        major: 15,
        identifier: "prod-tenants".into(),
    };
    if words.next()? != "up" {
        return None;
    }
    while let Some(option) = words.next() {
        match option.as_str() {
            "--postgres" => arguments.major = words.next()?.parse().ok()?,
            "--identifier" => arguments.identifier = words.next()?,
            _ => return None,
        }
    }
    Some(arguments)
}

fn up(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let world = World::start_with(arguments.major, &arguments.identifier, &Options::default())?;
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
    run_until_the_end(&env)?;
    Ok(())
}

fn print(env: &[(String, String)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, value) in env {
        writeln!(out, "export {name}='{}'", value.replace('\'', r"'\''"))?;
    }
    writeln!(out, "# ready")?;
    out.flush()
}

/// Says that all is ready, and returns when standard input ends or somebody asks for it by a signal.
fn run_until_the_end(env: &[(String, String)]) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own: the read cannot be interrupted, and a signal must not wait for it.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        print(env)?;
        tokio::select! {
            _ = end => {}
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        Ok(())
    })
}
