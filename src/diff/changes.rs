//! Changes as they are found, one an address.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::Change;
use crate::address::Address;

/// A list with an index. A tree, which changes fill in order, would be half empty, and hold each address twice.
#[derive(Default)]
pub(super) struct Changes {
    list: Vec<Change>,
    /// Places in the list.
    index: HashTable<u32>,
    hasher: RandomState,
}

impl Changes {
    fn place(&self, address: &Address) -> Option<usize> {
        let same = |place: &u32| *self.list[*place as usize].address == *address;
        let place = self.index.find(self.hasher.hash_one(address), same)?;
        Some(*place as usize)
    }

    pub(super) fn get(&self, address: &Address) -> Option<&Change> {
        Some(&self.list[self.place(address)?])
    }

    pub(super) fn get_mut(&mut self, address: &Address) -> Option<&mut Change> {
        let place = self.place(address)?;
        Some(&mut self.list[place])
    }

    pub(super) fn contains(&self, address: &Address) -> bool {
        self.place(address).is_some()
    }

    /// The change of an address, or this one, if there is none yet.
    pub(super) fn get_or_add(&mut self, change: Change) -> &mut Change {
        let place = self.place(&change.address).unwrap_or_else(|| {
            let place = self.list.len();
            let hash = self.hasher.hash_one(&change.address);
            self.list.push(change);
            let hash_of = |place: &u32| self.hasher.hash_one(&self.list[*place as usize].address);
            // Four thousand million changes would fit into no memory.
            self.index.insert_unique(hash, place as u32, hash_of);
            place
        });
        &mut self.list[place]
    }

    /// All, in the order in which they were found.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Change> {
        self.list.iter()
    }

    /// All, by address.
    pub(super) fn sorted(self) -> Vec<Change> {
        let mut list = self.list;
        list.sort_unstable_by(|left, right| left.address.cmp(&right.address));
        list
    }
}
