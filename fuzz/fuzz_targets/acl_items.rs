//! ACL items: whatever stands in the ACL of a tenant's database or of its schema public, there is a plan for it that
//! is safe to show, and that leaves nothing to do.
//!
//! An input has a line per item, as `aclitem` prints it (`grantee=privileges/grantor`, an asterisk behind what may be
//! granted on), with a leading `#` for the schema.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use tenantctl::address::{Address, Grantee};
use tenantctl::live::Live;
use tenantctl::model::{Grantor, Object, Privilege};

#[path = "../../tests/transitions/applied.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod applied;
#[path = "../../tests/transitions/simulate.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod simulate;
#[path = "../../tests/transitions/world.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod world;

use world::{ADMIN, Small, TWO, add_item, database_grant, foreign_role, role, schema_grant};

/// Longer names do not exist: `NAMEDATALEN` less one.
const LONGEST: usize = 63;

/// Makes a role that is not there; whether the name can be one.
fn know(live: &mut Live, name: &str) -> bool {
    let possible = !name.is_empty() && name.len() <= LONGEST && !name.contains('\0');
    let reserved = ["public", "none"].contains(&name) || name.starts_with("pg_");
    if possible && !reserved && !live.world.contains(&role(name)) {
        live.world
            .insert(role(name), Object::Role(foreign_role(name.len() % 2 == 0)));
    }
    possible && !reserved
}

fn privilege(letter: char, schema: bool) -> Option<Privilege> {
    match (letter, schema) {
        ('C', _) => Some(Privilege::Create),
        ('c', false) => Some(Privilege::Connect),
        ('T', false) => Some(Privilege::Temporary),
        ('U', true) => Some(Privilege::Usage),
        _ => None,
    }
}

/// Adds what one line says; nothing, where no server would hold such an item.
fn add(live: &mut Live, line: &str) {
    let schema = line.starts_with('#');
    let line = line.trim_start_matches('#');
    let Some((item, grantor)) = line.rsplit_once('/') else {
        return;
    };
    let Some((grantee, letters)) = item.rsplit_once('=') else {
        return;
    };
    // The owner's items are not read; an owner grants as itself.
    if grantee == ADMIN || !(grantee.is_empty() || know(live, grantee)) {
        return;
    }
    let grantor = match grantor {
        "" | ADMIN => Grantor::Owner,
        name if name != grantee && know(live, name) => Grantor::Role(name.into()),
        _ => return,
    };
    let grantee = match grantee {
        "" => Grantee::Public,
        name => Grantee::Role(name.into()),
    };
    let address: Address = match schema {
        true => schema_grant("client01_db1", grantee.clone()),
        false => database_grant("client01_db1", grantee.clone()),
    };
    for (at, letter) in letters.char_indices() {
        let Some(privilege) = privilege(letter, schema) else {
            continue;
        };
        // PUBLIC never gets a grant option.
        let grantable = letters[at + 1..].starts_with('*') && grantee != Grantee::Public;
        add_item(live, &address, privilege, grantor.clone(), grantable);
    }
}

fuzz_target!(|text: &str| -> Corpus {
    let version = if text.len() % 2 == 0 { 150_004 } else { 160_004 };
    let small = Small::applied_on(version, TWO).edit(|live| {
        for line in text.split('\n').take(40) {
            add(live, line);
        }
    });
    // Plans, carries it out on paper, and plans again.
    let shown = small.shown();
    assert!(
        !shown
            .chars()
            .any(|character| character.is_control() && character != '\n'),
        "{shown:?}"
    );
    Corpus::Keep
});
