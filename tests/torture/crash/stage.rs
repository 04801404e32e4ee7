//! What a dozen tenants go through, and what has to be true after each of it.

use super::World;
use crate::state_of;

/// One edit of the tenants file.
pub struct Stage {
    /// What an apply does there.
    pub name: &'static str,
    /// The tenants after the edit.
    pub tenants: fn() -> String,
    /// Looks whether that is what lives.
    pub holds: fn(&World),
    /// What happens between this stage and the next one.
    pub afterwards: fn(&World),
}

pub const STAGES: [Stage; 5] = [
    Stage {
        name: "creating",
        tenants: || of_all(|_| String::new()),
        holds: |world| all_are_in(world, |_| false),
        afterwards: write_data,
    },
    Stage {
        name: "updating",
        tenants: || of_all(update),
        holds: |world| {
            all_are_in(world, is_suspended);
            data_is_there(world);
        },
        afterwards: |_| {},
    },
    Stage {
        name: "removing, data kept",
        tenants: String::new,
        holds: |world| {
            all_are_out(world);
            let roles = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^t[0-9]' AND NOT rolcanlogin";
            assert_eq!(world.site.value("postgres", roles), "12");
            data_is_there(world);
        },
        afterwards: |_| {},
    },
    Stage {
        name: "returning",
        tenants: || of_all(|_| "  deletion_policy = \"delete\"\n".into()),
        holds: |world| {
            all_are_in(world, |_| false);
            data_is_there(world);
        },
        afterwards: |_| {},
    },
    Stage {
        name: "removing, data deleted",
        tenants: String::new,
        holds: |world| {
            all_are_out(world);
            let left = "SELECT rolname FROM pg_roles WHERE rolname ~ '^t[0-9]' UNION ALL \
                        SELECT datname FROM pg_database WHERE datname ~ '^t[0-9]'";
            let left = world.site.sql("postgres", left);
            assert!(left.is_empty(), "still there: {left:?}");
        },
        afterwards: |_| {},
    },
];

const DOZEN: std::ops::RangeInclusive<usize> = 1..=12;

fn name(number: usize) -> String {
    format!("t{number:02}")
}

/// Two of the dozen log in by password.
fn has_password(number: usize) -> bool {
    number > 10
}

fn is_suspended(number: usize) -> bool {
    number.is_multiple_of(4)
}

fn of_all(more: impl Fn(usize) -> String) -> String {
    let one = |number| {
        let password = if has_password(number) {
            "  rds_iam_auth = false\n"
        } else {
            ""
        };
        format!("tenant \"{}\" {{\n{password}{}}}\n", name(number), more(number))
    };
    DOZEN.map(one).collect()
}

/// An edit of each kind that there is.
fn update(number: usize) -> String {
    let edit = match number % 4 {
        0 => "state = \"suspended\"",
        1 => "databases = [\"db1\", \"db2\"]",
        2 if has_password(number) => "connection_limit = 3",
        2 => "allowed_ips = [\"203.0.113.1/32\", \"198.51.100.0/24\"]",
        _ => "settings = { statement_timeout = \"30s\" }",
    };
    format!("  {edit}\n")
}

/// What nobody may lose.
fn write_data(world: &World) {
    for number in DOZEN {
        let database = format!("{}_db1", name(number));
        world
            .site
            .sql(&database, "CREATE TABLE IF NOT EXISTS precious AS SELECT 42");
    }
}

fn data_is_there(world: &World) {
    for number in DOZEN {
        let database = format!("{}_db1", name(number));
        assert_eq!(world.site.value(&database, "SELECT count(*) FROM precious"), "1");
    }
}

/// Every tenant holds the one secret that opens its database, and a suspended one's opens nothing.
fn all_are_in(world: &World, is_suspended: fn(usize) -> bool) {
    let site = &world.site;
    for number in DOZEN {
        let tenant = name(number);
        let suspended = is_suspended(number);
        if has_password(number) {
            let password = world.recipient.open(site, &tenant)["password"].clone();
            let database = format!("{tenant}_db1");
            let login = site.login(&tenant, &password, &database, "SELECT current_user");
            assert_eq!(login.is_ok(), !suspended, "{login:?}");
            continue;
        }
        let status = if suspended { "Inactive" } else { "Active" };
        let held = world.recipient.key(site, &tenant).id;
        let only = [(held, status.to_owned())];
        assert_eq!(
            state_of::keys(site, &tenant),
            only,
            "{tenant}: one key, and its holder has it"
        );
        let role = format!("rds_cluster_{tenant}");
        let answer = state_of::call(site, "GetRole", &[("RoleName", &role)]);
        let trust = state_of::document(&answer, "AssumeRolePolicyDocument").to_string();
        assert!(trust.contains(&format!("user/{tenant}\"")), "{trust}");
        assert_eq!(trust.contains("Deny"), suspended, "{trust}");
    }
    let open = "SELECT datname FROM pg_database, aclexplode(datacl) AS item WHERE datname ~ '^t[0-9]' AND item.grantee = 0";
    assert!(site.sql("postgres", open).is_empty());
    let open =
        "SELECT count(*) FROM pg_database WHERE datname ~ '^t[0-9]' AND (datacl IS NULL OR NOT datallowconn)";
    assert_eq!(site.value("postgres", open), "0");
}

fn all_are_out(world: &World) {
    let users = state_of::users(&world.site);
    assert!(!users.iter().any(|user| user.starts_with('t')), "{users:?}");
    let can = "SELECT rolname FROM pg_roles WHERE rolname ~ '^t[0-9]' AND rolcanlogin";
    assert!(world.site.sql("postgres", can).is_empty());
    // What a role holds that may not log in opens nothing; anybody else's would.
    let others = "SELECT datname, item.grantee FROM pg_database, aclexplode(datacl) AS item \
                  WHERE datname ~ '^t[0-9]' AND item.grantee <> datdba \
                  AND item.grantee <> (SELECT oid FROM pg_roles WHERE rolname = split_part(datname, '_', 1))";
    let others = world.site.sql("postgres", others);
    assert!(others.is_empty(), "open to others: {others:?}");
}
