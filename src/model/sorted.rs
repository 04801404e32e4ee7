//! A set for the few.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};

/// A set as a sorted slice. A policy document is made of many sets of one element, and so are grants: for each a tree would
/// hold eleven places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Sorted<T>(Box<[T]>);

impl<'de, T: Ord + Deserialize<'de>> Deserialize<'de> for Sorted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

impl<T: Ord> Sorted<T> {
    /// Whether an element is in it.
    pub fn has(&self, item: &T) -> bool {
        self.binary_search(item).is_ok()
    }

    /// Adds elements.
    pub fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        let before = std::mem::take(self).into_iter();
        *self = before.chain(items).collect();
    }

    /// Keeps some.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let before = std::mem::take(self).into_iter();
        *self = before.filter(keep).collect();
    }

    /// Whether another has all of this.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|item| other.has(item))
    }

    /// What another has not.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a T> {
        self.iter().filter(|item| !other.has(item))
    }
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T: Ord> FromIterator<T> for Sorted<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort();
        // Of equals the last stays, as in a tree: an action keeps its spelling.
        items.dedup_by(|later, first| {
            let same = later == first;
            if same {
                std::mem::swap(later, first);
            }
            same
        });
        Self(items.into())
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for Sorted<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T> Deref for Sorted<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for Sorted<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_vec().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Sorted<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
