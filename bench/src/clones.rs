//! Databases whose files share their blocks with the template's, where the file system can do that: with less to write and to
//! keep, a plan of many tenants is less of a measurement of a disk.
//! <https://www.postgresql.org/docs/18/runtime-config-resource.html#GUC-FILE-COPY-METHOD>
#![expect(clippy::disallowed_methods, reason = "they are made before anything is timed")]

use futures_util::future::try_join_all;
use tenantctl_testbed::{MASTER, World};
use tokio::runtime::Runtime;

use crate::Failed;
use crate::copies::connect;

/// The first version that can.
pub const SINCE: u16 = 18;
/// What the server has to be started with.
pub const SETTING: (&str, &str) = ("file_copy_method", "clone");

/// More at a time make them no faster on two processors: see `--copies`.
const AT_A_TIME: usize = 4;

/// Makes the databases of so many tenants, each its admin's.
pub fn make(world: &World, tenants: usize) -> Result<(), Failed> {
    Runtime::new()?.block_on(async {
        let clients = try_join_all((0..AT_A_TIME).map(|_| connect(&world.postgres))).await?;
        let shares = clients.iter().enumerate().map(|(first, client)| async move {
            for n in (first..tenants).step_by(AT_A_TIME) {
                let create = format!(
                    "CREATE DATABASE t{n:05}_app OWNER {MASTER} TEMPLATE template0 STRATEGY FILE_COPY"
                );
                client.batch_execute(&create).await?;
            }
            Ok::<(), Failed>(())
        });
        try_join_all(shares).await.map(|_| ())
    })
}
