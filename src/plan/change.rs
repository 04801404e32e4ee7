//! A change as data, for people, JSON and plan files.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use crate::address::{SharedAddress, TenantId};
use crate::diff::FieldChange;

/// A change as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What changes.
    pub address: SharedAddress,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// How.
    pub action: ActionWord,
    /// The ids of its steps.
    pub steps: SmallVec<[usize; 2]>,
    /// What is told of it.
    #[serde(flatten)]
    pub told: Told,
}

/// What is told of a change besides, in a box that most go without once it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told(Option<Box<Details>>);

/// What is told of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// As it lives.
    pub before: Option<Json>,
    /// As it shall be.
    pub after: Option<Json>,
    /// Field by field, for an update.
    pub fields: Vec<FieldChange>,
    /// Why.
    pub reason: Option<String>,
    /// Where it was, if it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<SharedAddress>,
}

static NOTHING: Details = Details {
    before: None,
    after: None,
    fields: Vec::new(),
    reason: None,
    moved_from: None,
};

impl From<Details> for Told {
    fn from(details: Details) -> Self {
        Self((details != NOTHING).then(|| Box::new(details)))
    }
}

impl Deref for Told {
    type Target = Details;

    fn deref(&self) -> &Details {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Details::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Details::deserialize(deserializer).map(Self::from)
    }
}

impl PlannedChange {
    /// Drops the object as it lives and as it shall be, and its fields: only the plan shows those.
    pub(super) fn was_shown(&mut self) {
        let moved_from = self.told.moved_from.clone();
        let reason = self.told.reason.clone();
        self.told = Told::from(Details {
            reason,
            moved_from,
            ..Details::default()
        });
    }
}

/// JSON that is only passed on: as text, of which a first apply of thousands holds a tenth of what the tree would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Json {
    /// An object as JSON.
    pub(super) fn of(value: &impl Serialize) -> Option<Self> {
        // By way of the tree, so that it is the same before and after it was in a file.
        let tree = serde_json::to_value(value).ok()?;
        Some(Self(tree.to_string().into()))
    }

    /// The tree.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(tree.to_string().into()))
    }
}

/// What happens to an object, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionWord {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It goes.
    Delete,
    /// It gets our mark.
    Adopt,
}

impl ActionWord {
    /// The word, as JSON and the ledger spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
        }
    }
}
