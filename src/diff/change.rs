//! One difference.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use super::{FieldChange, Origin};
use crate::address::{Name, SharedAddress, TenantId};
use crate::model::Object;

/// One difference, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What changes.
    pub address: SharedAddress,
    /// Whose it is; `None` for databases that are nobody's.
    pub tenant: Option<TenantId>,
    /// How.
    pub action: Action,
    /// Field by field, for an update.
    pub fields: Vec<FieldChange>,
    /// What few have.
    pub rest: Rest,
}

/// What few changes have, in a box that most go without.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rest(Option<Box<Aside>>);

/// What a change has besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Aside {
    /// Why, where the difference does not say it.
    pub reason: Option<String>,
    /// For PUBLIC on a shared database: the login roles that get what PUBLIC had.
    pub keep: BTreeSet<Name>,
    /// For a role that goes: where it is granted something, a database or (`None`) what all share, which is taken from it
    /// before; and the owners there whose privileges the admin has to have for that.
    pub disown: BTreeMap<Option<Name>, BTreeSet<Name>>,
    /// Sessions that end with it: a role's, in one database or in all.
    pub end_sessions: BTreeSet<(Name, Option<Name>)>,
    /// Where it was, if it moves.
    pub moved: Option<Origin>,
}

static NOTHING: Aside = Aside::nothing();

impl Aside {
    const fn nothing() -> Self {
        Self {
            reason: None,
            keep: BTreeSet::new(),
            disown: BTreeMap::new(),
            end_sessions: BTreeSet::new(),
            moved: None,
        }
    }
}

impl Deref for Rest {
    type Target = Aside;

    fn deref(&self) -> &Aside {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Rest {
    fn deref_mut(&mut self) -> &mut Aside {
        self.0.get_or_insert_with(|| Box::new(Aside::nothing()))
    }
}

impl Change {
    pub(super) fn new(address: SharedAddress, tenant: Option<&TenantId>, action: Action) -> Self {
        Self {
            address,
            tenant: tenant.cloned(),
            action,
            fields: Vec::new(),
            rest: Rest::default(),
        }
    }
}

/// What happens to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It is made.
    Create(Object),
    /// It is changed.
    Update {
        /// As it lives.
        before: Object,
        /// As it shall be.
        after: Object,
    },
    /// It goes.
    Delete(Object),
    /// It gets our mark, and nothing else.
    Adopt(Object),
}
