//! Memberships, walked from a role down to those who have it.
//!
//! A walk starts where a privilege is and visits every role once in each of two ways, so the work is linear in
//! memberships, however many roles are asked about.

use std::cell::Cell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use crate::model::MembershipRow;

/// How a role comes to a privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It has it: by itself or by inheriting, without doing anything.
    Has,
    /// It can get it: by `SET ROLE` to a role that may grant it, or by granting itself a role that it administers.
    CanGet,
}

/// All memberships of a cluster, by the role that is granted.
#[derive(Debug)]
pub struct Graph<'a> {
    members: BTreeMap<&'a str, Vec<&'a MembershipRow>>,
    /// Rows looked at so far.
    steps: Cell<usize>,
}

/// Where a walk came to, each place with the row it came by.
#[derive(Debug)]
pub struct Reach<'a> {
    seen: BTreeMap<(&'a str, Way), Option<(&'a MembershipRow, Way)>>,
}

impl<'a> Graph<'a> {
    /// Sorts the rows.
    pub fn new(rows: &'a [MembershipRow]) -> Self {
        let mut members: BTreeMap<&str, Vec<&MembershipRow>> = BTreeMap::new();
        for row in rows {
            members.entry(&row.role).or_default().push(row);
        }
        Self {
            members,
            steps: Cell::new(0),
        }
    }

    /// How many rows all walks looked at: what an audit costs, besides reading.
    pub fn steps(&self) -> usize {
        self.steps.get()
    }

    /// Walks from a role to everybody who comes to what it has. `start` holds [`Way::Has`] for a privilege that members
    /// inherit, [`Way::CanGet`] for one that helps whoever may act as the role, such as ownership. The walk does not go
    /// on beyond roles that `stop` names.
    ///
    /// Whoever inherits has it. Whoever holds ADMIN OPTION can grant itself the role with every option. Whoever can act
    /// as a role, by whatever option, can do what that role can. From 16 on, SET ROLE through a membership that only
    /// inherits is refused; that a walk goes on there errs on the safe side.
    pub fn reach(&self, role: &'a str, start: &[Way], stop: impl Fn(&str) -> bool) -> Reach<'a> {
        let mut seen: BTreeMap<(&str, Way), Option<(&MembershipRow, Way)>> = BTreeMap::new();
        let mut waiting = VecDeque::new();
        for way in start {
            seen.insert((role, *way), None);
            waiting.push_back((role, *way));
        }
        while let Some((at, way)) = waiting.pop_front() {
            if at != role && stop(at) {
                continue;
            }
            for row in self.members.get(at).into_iter().flatten() {
                self.steps.set(self.steps.get() + 1);
                for next in ways(row, way) {
                    let member = row.member.as_str();
                    if let Entry::Vacant(place) = seen.entry((member, next)) {
                        place.insert(Some((*row, way)));
                        waiting.push_back((member, next));
                    }
                }
            }
        }
        Reach { seen }
    }
}

fn ways(row: &MembershipRow, way: Way) -> Vec<Way> {
    match way {
        Way::Has => {
            let inherits = row.inherit_option.then_some(Way::Has);
            let administers = row.admin_option.then_some(Way::CanGet);
            inherits.into_iter().chain(administers).collect()
        }
        Way::CanGet if row.inherit_option || row.set_option || row.admin_option => vec![Way::CanGet],
        Way::CanGet => Vec::new(),
    }
}

impl<'a> Reach<'a> {
    /// Everybody reached, each with the better of its ways.
    pub fn roles(&self) -> impl Iterator<Item = (&'a str, Way)> {
        let others = self.seen.keys().copied();
        // The two ways of a role are neighbours, and the better one comes first.
        others.filter(|(role, way)| *way == Way::Has || !self.seen.contains_key(&(*role, Way::Has)))
    }

    /// How a role comes to it, if it does.
    pub fn way(&self, role: &'a str) -> Option<Way> {
        [Way::Has, Way::CanGet]
            .into_iter()
            .find(|way| self.seen.contains_key(&(role, *way)))
    }

    /// The memberships from a role up to where the walk began.
    pub fn rows(&self, role: &'a str, way: Way) -> Vec<&'a MembershipRow> {
        let mut rows = Vec::new();
        let mut at = (role, way);
        while let Some(Some((row, way))) = self.seen.get(&at) {
            rows.push(*row);
            at = (&row.role, *way);
        }
        rows
    }

    /// The same for people, beginning with the role itself.
    pub fn path(&self, role: &'a str, way: Way) -> Vec<String> {
        let links = self.rows(role, way).into_iter();
        let links = links.map(|row| format!("{} ({})", row.role, options(row)));
        std::iter::once(role.to_owned()).chain(links).collect()
    }
}

/// What a membership allows, in words.
pub fn options(row: &MembershipRow) -> &'static str {
    match (row.inherit_option, row.set_option, row.admin_option) {
        (true, _, false) => "member, inherits",
        (true, _, true) => "member, inherits, admin option",
        (false, true, false) => "member, by SET ROLE",
        (false, true, true) => "member, by SET ROLE, admin option",
        (false, false, true) => "member, admin option",
        (false, false, false) => "member without effect",
    }
}
