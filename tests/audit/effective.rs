//! Who can connect, by our arithmetic and by Postgres's own: random clusters, one query each. And in some of them every
//! role tries to let itself in, which has to succeed nowhere that the arithmetic rules out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tenantctl::address::{Address, Grantee, Name};
use tenantctl::audit::{Way, connects};
use tenantctl::live::Live;
use tenantctl::model::{Database, DatabaseState, DeletionPolicy};
use tenantctl::model::{Grant, GrantItem, Grantor, MembershipRow, Object, Password, Privilege, Role};
use tenantctl_testbed::Postgres;

const ROLES: usize = 8;
const DATABASES: usize = 5;
const CLUSTERS: u64 = 30;
/// In so many of them every role tries what it can.
const ATTACKED: u64 = 12;

#[test]
fn postgres_15_says_the_same() {
    agrees(15);
}

#[test]
fn postgres_18_says_the_same() {
    agrees(18);
}

/// A small generator: the same clusters in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

/// What a random cluster holds, as SQL and as our model.
struct Random {
    sql: String,
    live: Live,
}

fn role(n: usize) -> String {
    format!("r{n}")
}

fn database(n: usize) -> String {
    format!("d{n}")
}

fn random(major: u16, dice: &mut Dice) -> Random {
    let mut random = Random {
        sql: String::new(),
        live: Live::default(),
    };
    random.live.server.power.version = i32::from(major) * 10_000;
    let mut inherits = Vec::new();
    for n in 0..ROLES {
        let (superuser, inherit) = (dice.chance(4), dice.chance(75));
        inherits.push(inherit);
        let words = |flag, word: &'static str| if flag { word } else { "" };
        let _ = writeln!(
            random.sql,
            "ALTER ROLE {} {}SUPERUSER {}INHERIT;",
            role(n),
            words(!superuser, "NO"),
            words(!inherit, "NO")
        );
        random.live.world.insert(
            Address::Role { name: role(n).into() },
            Object::Role(Role {
                login: true,
                superuser,
                create_database: false,
                create_role: false,
                replication: false,
                bypass_rls: false,
                connection_limit: Some(-1),
                password: Password::Unknown,
            }),
        );
    }
    // Only towards greater numbers: Postgres refuses circles.
    for (member, inherits) in inherits.into_iter().enumerate() {
        for group in member + 1..ROLES {
            if dice.chance(22) {
                membership(&mut random, major, member, group, inherits, dice);
            }
        }
    }
    for n in 0..DATABASES {
        fill_database(&mut random, n, dice);
    }
    random
}

fn membership(random: &mut Random, major: u16, member: usize, group: usize, inherits: bool, dice: &mut Dice) {
    let (admin, inherit, set) = (dice.chance(20), dice.chance(60), dice.chance(70));
    let options = if major >= 16 {
        format!("WITH ADMIN {admin}, INHERIT {inherit}, SET {set}")
    } else {
        if admin { "WITH ADMIN OPTION" } else { "" }.to_owned()
    };
    let _ = writeln!(random.sql, "GRANT {} TO {} {options};", role(group), role(member));
    random.live.memberships.push(MembershipRow {
        role: role(group).into(),
        member: role(member).into(),
        grantor: "postgres".into(),
        admin_option: admin,
        inherit_option: if major >= 16 { inherit } else { inherits },
        set_option: major < 16 || set,
    });
}

fn fill_database(random: &mut Random, n: usize, dice: &mut Dice) {
    let (name, owner) = (database(n), role(dice.roll(ROLES)));
    let _ = writeln!(random.sql, "ALTER DATABASE {name} OWNER TO {owner};");
    random.live.world.insert(
        Address::Database {
            name: name.clone().into(),
        },
        Object::Database(Database {
            owner: owner.clone().into(),
            state: DatabaseState::Open,
            deletion_policy: DeletionPolicy::Retain,
        }),
    );
    let mut grantees = vec![];
    if dice.chance(15) {
        grantees.push(Grantee::Public);
    }
    for candidate in 0..ROLES {
        if dice.chance(15) && role(candidate) != owner {
            grantees.push(Grantee::Role(role(candidate).into()));
        }
    }
    for grantee in grantees {
        let grantable = grantee != Grantee::Public && dice.chance(30);
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        let _ = writeln!(
            random.sql,
            "GRANT CONNECT ON DATABASE {name} TO {grantee}{option};"
        );
        let item = GrantItem {
            privilege: Privilege::Connect,
            grantor: Grantor::Owner,
            grantable,
        };
        let address = Address::DatabaseGrant {
            database: name.clone().into(),
            grantee,
        };
        random
            .live
            .world
            .insert(address, Object::Grant(Grant { items: [item].into() }));
    }
}

/// Everything that a random cluster changes, undone.
fn reset() -> String {
    let mut sql = String::new();
    for n in 0..DATABASES {
        let _ = writeln!(sql, "ALTER DATABASE {} OWNER TO CURRENT_USER;", database(n));
        for grantee in (0..ROLES).map(role).chain(["PUBLIC".to_owned()]) {
            let _ = writeln!(
                sql,
                "REVOKE ALL ON DATABASE {} FROM {grantee} CASCADE;",
                database(n)
            );
        }
    }
    for member in 0..ROLES {
        for group in member + 1..ROLES {
            let _ = writeln!(sql, "REVOKE {} FROM {} CASCADE;", role(group), role(member));
        }
    }
    sql
}

/// Everything that a role can try to let itself in, as that role: every role that it may become, every grant of a role
/// or of CONNECT to itself, three times over. What it has come to is told, and then all of it is taken back.
fn attack(major: u16, role: &str) -> String {
    let options = if major >= 16 {
        " WITH INHERIT TRUE, SET TRUE"
    } else {
        ""
    };
    format!(
        "BEGIN; SET LOCAL SESSION AUTHORIZATION {role};
         DO $$
         DECLARE
             mask name; other name;
         BEGIN
             FOR round IN 1..3 LOOP
                 FOR mask IN SELECT rolname FROM pg_roles WHERE rolname ~ '^r[0-9]$' LOOP
                     BEGIN
                         EXECUTE format('SET LOCAL ROLE %I', mask);
                     EXCEPTION WHEN insufficient_privilege THEN CONTINUE;
                     END;
                     FOR other IN SELECT rolname FROM pg_roles WHERE rolname ~ '^r[0-9]$' LOOP
                         BEGIN
                             EXECUTE format('GRANT %I TO {role}{options}', other);
                         EXCEPTION WHEN OTHERS THEN NULL;
                         END;
                     END LOOP;
                     FOR other IN SELECT datname FROM pg_database WHERE datname ~ '^d[0-9]$' LOOP
                         BEGIN
                             EXECUTE format('GRANT CONNECT ON DATABASE %I TO {role}', other);
                         EXCEPTION WHEN insufficient_privilege THEN NULL;
                         END;
                     END LOOP;
                     RESET ROLE;
                 END LOOP;
             END LOOP;
         END $$;
         SELECT datname FROM pg_database WHERE datname ~ '^d[0-9]$' AND has_database_privilege('{role}', datname, 'CONNECT');
         ROLLBACK"
    )
}

fn agrees(major: u16) {
    let server = Postgres::start(major).unwrap();
    let run = |statement: &str| {
        let rows = server.sql("postgres", statement);
        rows.unwrap_or_else(|error| panic!("{error} in {statement}"))
    };
    for n in 0..ROLES {
        run(&format!("CREATE ROLE {} LOGIN", role(n)));
    }
    for n in 0..DATABASES {
        run(&format!("CREATE DATABASE {}", database(n)));
    }
    let (mut held, mut denied, mut possible, mut broken_in) = (0, 0, 0, 0);
    for seed in 1..=CLUSTERS {
        run(&reset());
        let random = random(major, &mut Dice(seed * 7_919));
        run(&random.sql);
        let ours = connects(&random.live);
        let says = run(
            "SELECT d.datname, r.rolname, has_database_privilege(r.rolname, d.datname, 'CONNECT') \
                        FROM pg_database d, pg_roles r WHERE d.datname ~ '^d[0-9]$' AND r.rolname ~ '^r[0-9]$' ORDER BY 1, 2",
        );
        assert_eq!(says.len(), ROLES * DATABASES);
        for row in says {
            let cells: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
            let way = ours.get(&(cells[0].clone(), cells[1].clone()));
            let expected = cells[2] == "t";
            assert_eq!(
                way == Some(&Way::Has),
                expected,
                "Postgres {major}, seed {seed}, {cells:?}:\n{}",
                random.sql
            );
            held += usize::from(expected);
            denied += usize::from(!expected);
            possible += usize::from(way == Some(&Way::CanGet));
        }
        for n in (0..ROLES).filter(|_| seed <= ATTACKED) {
            for row in run(&attack(major, &role(n))) {
                let name = row.into_iter().next().flatten().unwrap_or_default();
                let way = ours.get(&(name.clone(), role(n)));
                assert!(
                    way.is_some(),
                    "Postgres {major}, seed {seed}: {} got into {name}:\n{}",
                    role(n),
                    random.sql
                );
                broken_in += usize::from(way == Some(&Way::CanGet));
            }
        }
    }
    assert!(
        broken_in > 5,
        "{broken_in} databases that a role got into: the attack does not work"
    );
    assert!(
        held > 200 && denied > 200 && possible > 20,
        "{held} held, {denied} denied, {possible} possible"
    );
}

/// The same question asked the slow way: role by role, each rule tried until nothing is added.
fn naive(live: &Live, role: &str) -> BTreeMap<Name, Way> {
    let mut plain = BTreeSet::from([role]);
    let mut gained = BTreeSet::from([role]);
    let mut acts = BTreeSet::from([role]);
    loop {
        let before = (plain.len(), gained.len(), acts.len());
        for row in &live.memberships {
            let (member, group) = (row.member.as_str(), row.role.as_str());
            if row.inherit_option && plain.contains(member) {
                plain.insert(group);
            }
            if row.inherit_option && gained.contains(member) || row.admin_option && acts.contains(member) {
                gained.insert(group);
            }
            if (row.inherit_option || row.set_option || row.admin_option) && acts.contains(member) {
                acts.insert(group);
            }
        }
        if before == (plain.len(), gained.len(), acts.len()) {
            break;
        }
    }
    let superuser = |name: &str| live.world.role(name).is_some_and(|role| role.superuser);
    let mut found = BTreeMap::new();
    for (name, database) in live.world.databases() {
        let grants = || {
            live.world
                .iter()
                .filter_map(|(address, object)| match (address, object) {
                    (Address::DatabaseGrant { database, grantee }, Object::Grant(grant))
                        if database == name =>
                    {
                        Some((grantee, grant.items.iter().any(|item| item.grantable)))
                    }
                    _ => None,
                })
        };
        let holds = |set: &BTreeSet<&str>| {
            let named = |grantee: &Grantee| match grantee {
                Grantee::Public => true,
                Grantee::Role(role) => set.contains(role.as_str()),
            };
            set.contains(database.owner.as_str()) || grants().any(|(grantee, _)| named(grantee))
        };
        let may_grant =
            |grantee: &Grantee| matches!(grantee, Grantee::Role(role) if acts.contains(role.as_str()));
        let opens =
            acts.contains(database.owner.as_str()) || grants().any(|(to, option)| option && may_grant(to));
        if superuser(role) || holds(&plain) {
            found.insert(name.clone(), Way::Has);
        } else if holds(&gained) || opens || acts.iter().any(|role| superuser(role)) {
            found.insert(name.clone(), Way::CanGet);
        }
    }
    found
}

#[test]
fn the_slow_way_says_the_same() {
    for seed in 1..=1000_u64 {
        let major = if seed % 2 == 0 { 15 } else { 18 };
        let random = random(major, &mut Dice(seed * 104_729));
        let ours = connects(&random.live);
        for n in 0..ROLES {
            let slow = naive(&random.live, &role(n));
            for d in 0..DATABASES {
                let fast = ours.get(&(database(d), role(n)));
                assert_eq!(
                    fast,
                    slow.get(database(d).as_str()),
                    "seed {seed}, r{n} on d{d}:\n{}",
                    random.sql
                );
            }
        }
    }
}
