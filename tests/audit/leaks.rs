//! A leak: what to do, what to undo, and the one finding that has to come of it.

use serde_json::Value;
use tenantctl_testbed::Fault;

use crate::site::Site;
use crate::state_of;

/// Two tenants that log in by IAM.
pub const TENANTS: &str = r#"
tenant "client01" {
  databases   = { db1 = true, db2 = true }
  allowed_ips = ["109.241.200.168/32"]
}

tenant "client02" {
  databases   = ["db1"]
  allowed_ips = ["109.241.200.169/32"]
}
"#;

/// One thing that is done to a cluster or account.
#[derive(Clone)]
pub enum Act {
    /// SQL in a database, as the superuser, statement by statement.
    Sql(&'static str, &'static str),
    /// SQL as the master.
    Master(&'static str, &'static str),
    /// An IAM call.
    Iam(&'static str, Vec<(&'static str, String)>),
    /// The tenants file says this from now on.
    File(&'static str),
    /// Deletes all access keys of a user.
    DeleteKeys(&'static str),
    /// AWS denies an action.
    Deny(&'static str),
    /// AWS denies nothing any more.
    Heal,
    /// Lets a key become older than a second.
    Wait,
}

impl Act {
    pub fn run(&self, site: &Site) {
        match self {
            Self::Sql(database, statements) => {
                for statement in statements.split(";;") {
                    site.sql(database, statement);
                }
            }
            Self::Master(database, statement) => site.master(database, statement),
            Self::Iam(action, parameters) => {
                let parameters: Vec<_> = parameters
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                state_of::call(site, action, &parameters);
            }
            Self::File(text) => site.tenants(text),
            Self::DeleteKeys(user) => {
                for (id, _) in state_of::keys(site, user) {
                    state_of::call(
                        site,
                        "DeleteAccessKey",
                        &[("UserName", user), ("AccessKeyId", &id)],
                    );
                }
            }
            Self::Deny(action) => site.world.proxy.inject(Fault::Error {
                action: (*action).to_owned(),
                code: "AccessDenied".to_owned(),
                message: format!("not authorized to perform iam:{action}"),
                status: 403,
                times: 1,
            }),
            Self::Heal => site.world.proxy.heal(),
            Self::Wait => std::thread::sleep(std::time::Duration::from_secs(2)),
        }
    }
}

/// A leak and what is expected of it.
#[derive(Clone)]
pub struct Leak {
    pub what: &'static str,
    /// On this version alone.
    pub only: Option<fn(u16) -> bool>,
    pub act: Vec<Act>,
    pub undo: Vec<Act>,
    /// Further arguments of `audit`.
    pub arguments: &'static [&'static str],
    /// Rule, subject and path of every finding.
    pub found: Vec<[&'static str; 3]>,
}

/// A leak made and mended by SQL.
pub fn sql(
    what: &'static str,
    database: &'static str,
    act: &'static str,
    undo: &'static str,
    found: [&'static str; 3],
) -> Leak {
    Leak {
        what,
        only: None,
        act: vec![Act::Sql(database, act)],
        undo: vec![Act::Sql(database, undo)],
        arguments: &[],
        found: vec![found],
    }
}

/// A leak made by another file.
pub fn file(what: &'static str, text: &'static str, found: [&'static str; 3]) -> Leak {
    Leak {
        what,
        only: None,
        act: vec![Act::File(text)],
        undo: vec![Act::File(TENANTS)],
        arguments: &[],
        found: vec![found],
    }
}

impl Leak {
    /// Where only some versions can leak so.
    pub fn only(mut self, on: fn(u16) -> bool) -> Self {
        self.only = Some(on);
        self
    }

    /// What comes with it.
    pub fn and(mut self, found: [&'static str; 3]) -> Self {
        self.found.push(found);
        self
    }
}

/// The findings of an audit that are no notes, as rule, subject and path.
pub fn findings(site: &Site, arguments: &[&str]) -> (i32, Vec<[String; 3]>) {
    let run = site.run(&[&["audit", "--json"], arguments].concat());
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let path = |finding: &Value| {
        let links = finding["path"].as_array().unwrap().iter().map(text);
        links.collect::<Vec<_>>().join(" -> ")
    };
    let all = document["findings"].as_array().unwrap().iter();
    let found = all
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| [text(&finding["rule"]), text(&finding["subject"]), path(finding)]);
    (run.code, found.collect())
}
