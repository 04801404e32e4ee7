//! What lives, read without the program under test.

use std::fmt::Write as _;

use serde_json::Value;

use super::site::Site;

/// Roles, memberships, settings, databases and their ACLs, schemas of tenant databases; not the ledger.
pub fn postgres(site: &Site) -> String {
    const SHARED: [&str; 4] = [
        "SELECT 'role', a.* FROM pg_authid a WHERE rolname !~ '^pg_' ORDER BY rolname",
        "SELECT 'member', roleid::regrole, member::regrole, grantor::regrole, to_jsonb(m) - 'oid' \
         FROM pg_auth_members m ORDER BY 2, 3, 4",
        "SELECT 'setting', setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting ORDER BY 2, 3",
        "SELECT 'database', datname, datdba::regrole, datallowconn, datconnlimit, datacl FROM pg_database ORDER BY 2",
    ];
    const INSIDE: [&str; 2] = [
        "SELECT 'schema', nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' \
         AND nspname <> 'tenantctl' ORDER BY 2",
        "SELECT 'extension', extname, extowner::regrole FROM pg_extension ORDER BY 2",
    ];
    let mut dump = String::new();
    let mut add = |database: &str, query: &str| {
        for row in site.sql(database, query) {
            let _ = writeln!(dump, "{database}: {}", row.join(" | "));
        }
    };
    for query in SHARED {
        add("postgres", query);
    }
    for database in databases(site) {
        for query in INSIDE {
            add(&database, query);
        }
    }
    dump
}

/// The databases that can be entered.
pub fn databases(site: &Site) -> Vec<String> {
    let rows = site.sql(
        "postgres",
        "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1",
    );
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

/// Everything in IAM: users, roles, policies, tags, and access keys with their state.
pub fn iam(site: &Site) -> String {
    let details = call(site, "GetAccountAuthorizationDetails", &[]);
    let mut dump = without_request_id(&details);
    for user in users(site) {
        for (id, status) in keys(site, &user) {
            let _ = writeln!(dump, "key {user} {id} {status}");
        }
    }
    dump
}

fn without_request_id(xml: &str) -> String {
    xml.split("<ResponseMetadata>")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// An IAM call that must work.
#[track_caller]
pub fn call(site: &Site, action: &str, parameters: &[(&str, &str)]) -> String {
    let answer = site.world.aws.call("iam", action, parameters);
    answer.unwrap_or_else(|error| panic!("{action}: {error}"))
}

/// Whether an IAM user, or role, exists.
pub fn exists(site: &Site, kind: &str, name: &str) -> bool {
    let parameter = format!("{kind}Name");
    let answer = site
        .world
        .aws
        .call("iam", &format!("Get{kind}"), &[(&parameter, name)]);
    match answer {
        Ok(_) => true,
        Err(error) if error.to_string().contains("NoSuchEntity") => false,
        Err(error) => panic!("{error}"),
    }
}

/// The names of all IAM users, sorted.
pub fn users(site: &Site) -> Vec<String> {
    let mut users = texts(&call(site, "ListUsers", &[]), "UserName");
    users.sort();
    users
}

/// Access keys of a user with their states, sorted.
pub fn keys(site: &Site, user: &str) -> Vec<(String, String)> {
    let answer = call(site, "ListAccessKeys", &[("UserName", user)]);
    let ids = texts(&answer, "AccessKeyId").into_iter();
    let mut keys: Vec<_> = ids.zip(texts(&answer, "Status")).collect();
    keys.sort();
    keys
}

/// A policy document out of an answer.
#[track_caller]
pub fn document(answer: &str, tag: &str) -> Value {
    let encoded = texts(answer, tag).remove(0);
    let decoded = percent_encoding::percent_decode_str(&encoded)
        .decode_utf8()
        .unwrap();
    serde_json::from_str(&decoded).unwrap()
}

/// The texts of all elements of a name.
pub fn texts(xml: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let parts = xml.split(&open).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(&close)?.0.to_owned()))
        .collect()
}

/// The ledger as text, all columns of all tables.
pub fn ledger(site: &Site) -> String {
    let query =
        "SELECT relname FROM pg_class WHERE relnamespace = 'tenantctl'::regnamespace AND relkind = 'r'";
    let tables = site.sql("postgres", query);
    let rows = tables.iter().flat_map(|table| {
        site.sql(
            "postgres",
            &format!("SELECT t::text FROM tenantctl.{} t", table[0]),
        )
    });
    rows.map(|row| row[0].clone() + "\n").collect()
}
