//! Two orders side by side.

use std::cmp::Ordering;
use std::iter::Peekable;

use crate::address::Address;
use crate::model::{Object, World};

/// Finds addresses that come in order among others that do, by going along them: over whole worlds much less to compare than
/// a search for each.
pub(super) struct Walk<I: Iterator>(Peekable<I>);

impl<'a, T: 'a, I: Iterator<Item = (&'a Address, &'a T)>> Walk<I> {
    pub fn along(items: I) -> Self {
        Self(items.peekable())
    }

    /// What stands at an address. Each has to come after the one before it.
    pub fn at(&mut self, address: &Address) -> Option<&'a T> {
        loop {
            let (next, item) = *self.0.peek()?;
            match next.cmp(address) {
                Ordering::Less => self.0.next(),
                Ordering::Equal => return Some(item),
                Ordering::Greater => return None,
            };
        }
    }
}

/// Two worlds, address by address.
#[derive(Default)]
pub(super) struct SideBySide<'a> {
    /// What lives at each desired address, in their order.
    pub found: Vec<Option<&'a Object>>,
    /// What lives and is not desired.
    pub extra: Vec<(&'a Address, &'a Object)>,
}

impl<'a> SideBySide<'a> {
    pub fn of(desired: &World, live: &'a World) -> Self {
        let mut both = Self {
            found: Vec::with_capacity(desired.len()),
            extra: Vec::new(),
        };
        let mut live = live.iter().peekable();
        for (address, _) in desired.iter() {
            while let Some(before) = live.next_if(|(next, _)| *next < address) {
                both.extra.push(before);
            }
            let same = live.next_if(|(next, _)| *next == address);
            both.found.push(same.map(|(_, object)| object));
        }
        both.extra.extend(live);
        both
    }
}
