//! Two orders side by side.

use std::cmp::Ordering;
use std::iter::Peekable;

use crate::address::Address;

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
