//! Plans and results for people and machines. It decides nothing.

pub mod json;
pub mod markdown;
mod steps;
pub mod text;

use std::fmt::Write as _;

/// A text for a terminal: what could move the cursor or end a line is spelled out, because names of live objects are
/// whatever somebody made them.
pub fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        // Bidirectional overrides can make one name look like another.
        let unsafe_to_print = character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if unsafe_to_print {
            let _ = write!(clean, "{}", character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}
