//! Whole runs of the binary against a real Postgres, set up like Aurora's, and an emulated AWS. Each test has its own
//! of both, and looks at what came of a run from the outside: catalogs as the superuser, IAM by its API, logins by
//! the front door.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by panicking"
)]

mod adoption;
mod arguments;
mod clusters;
mod crash;
mod dependents;
mod failures;
mod first_run;
mod history;
mod hostile;
mod importing;
mod in_the_way;
mod isolation;
mod lock;
mod lockout;
mod login;
mod logs;
mod many;
mod moves;
mod narrower;
mod one_line;
mod quoting;
mod remedies;
mod removal;
mod reopened;
mod saved_plan;
mod scope;
mod secrets;
mod shared_databases;
mod site;
mod state_of;
mod suspension;
mod tutorial;
mod unwanted_database;
mod ways_in;

/// One test per version of Postgres named, each calling a function of the version.
macro_rules! on_versions {
    ($name:ident: $($version:ident = $major:literal),+) => {
        mod $name {
            $(
                #[test]
                fn $version() {
                    super::$name($major);
                }
            )+
        }
    };
}
pub(crate) use on_versions;

/// On every supported version, because the catalog or its rules differ.
macro_rules! on_all {
    ($($name:ident),+ $(,)?) => {
        $(crate::on_versions!($name: on_15 = 15, on_16 = 16, on_17 = 17, on_18 = 18);)+
    };
}
pub(crate) use on_all;

/// On the oldest and the newest, where the version hardly matters.
macro_rules! on_both_ends {
    ($($name:ident),+ $(,)?) => {
        $(crate::on_versions!($name: on_15 = 15, on_18 = 18);)+
    };
}
pub(crate) use on_both_ends;
