//! Where servers keep their data while they are measured.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;

/// Main memory as a file system, <https://docs.kernel.org/filesystems/tmpfs.html>.
const MEMORY: &str = "/dev/shm";
/// What each disk has done so far, <https://docs.kernel.org/admin-guide/iostats.html>.
const DISKS: &str = "/proc/diskstats";
/// What a database takes.
const DATABASE: u64 = 8 << 20;
/// What a server takes besides: its log of changes, and what it works in.
const SERVER: u64 = 3 << 30;

/// A directory in memory where the data of so many tenants fit, else `None`: the test bed's own, on a disk.
///
/// A disk is not the same from one minute to the next: it has to write down, and to discard, what the run before left, and
/// the disk of a virtual machine has an allowance that is used up. So the one that comes second looks slow.
pub fn for_tenants(tenants: usize) -> Option<PathBuf> {
    if env::var_os("TENANTCTL_TESTBED_DATA").is_some() {
        return None;
    }
    let needed = SERVER + DATABASE * u64::try_from(tenants).ok()?;
    let room = free_on(Path::new(MEMORY))?.min(free_memory()?);
    (room > needed).then(|| Path::new(MEMORY).join("tenantctl-bench"))
}

/// What one run has written to a disk or deleted there goes on to keep it busy for seconds, at the expense of the next:
/// writes, and discards of what was freed. Waits until a second passes without any. Memory needs no such wait.
pub fn settle(data: Option<&Path>) -> Result<(), Failed> {
    if data.is_some() {
        return Ok(());
    }
    Command::new("sync").status()?;
    let deadline = Instant::now() + Duration::from_mins(2);
    let mut before = fs::read_to_string(DISKS)?;
    while Instant::now() < deadline {
        thread::sleep(Duration::from_secs(1));
        let now = fs::read_to_string(DISKS)?;
        if now == before {
            break;
        }
        before = now;
    }
    Ok(())
}

/// Bytes that are free on a file system.
fn free_on(path: &Path) -> Option<u64> {
    let output = Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(path)
        .output();
    let told = String::from_utf8(output.ok()?.stdout).ok()?;
    told.lines().nth(1)?.trim().parse().ok()
}

/// `MemAvailable`, <https://man7.org/linux/man-pages/man5/proc_meminfo.5.html>, in bytes.
fn free_memory() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes << 10)
}
