//! Source files as tokens.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The modules of the crate; one imports only those before it.
pub const ORDER: [&str; 14] = [
    "address", "diag", "model", "engine", "config", "desired", "live", "import", "audit", "diff", "plan",
    "apply", "report", "cli",
];

/// A source file. Comments and attributes of documentation are not in it.
pub struct Source {
    /// Relative to the package, with `/`.
    pub path: String,
    pub tokens: Vec<Token>,
}

#[derive(Clone)]
pub struct Token {
    text: String,
    line: usize,
    /// How many inline modules it is in.
    inline: usize,
    /// Whether it is in an item that only tests have.
    test: bool,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut tokens = Vec::new();
        flatten(stream, 0, is_test_file(path), &mut tokens);
        Self {
            path: path.to_owned(),
            tokens,
        }
    }

    /// The name of the top-level module; none for `lib.rs` and `main.rs`.
    pub fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?.trim_end_matches(".rs");
        ORDER.contains(&first).then_some(first)
    }

    /// How many modules the file is below the crate.
    fn depth(&self) -> usize {
        let parts = self
            .path
            .trim_start_matches("src/")
            .trim_end_matches(".rs")
            .split('/');
        parts
            .filter(|part| !["mod", "lib", "main"].contains(part))
            .count()
    }

    pub fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.text.as_str())
    }

    pub fn is(&self, index: usize, pattern: &[&str]) -> bool {
        pattern
            .iter()
            .enumerate()
            .all(|(offset, text)| self.text(index + offset) == *text)
    }

    pub fn violation(&self, index: usize, what: &str) -> String {
        format!("{}:{}: {what}", self.path, self.tokens[index].line)
    }

    /// Violations wherever a token of the product, not of its tests, is one.
    pub fn each(&self, judge: impl Fn(usize) -> Option<String>) -> Vec<String> {
        let product = (0..self.tokens.len()).filter(|index| !self.tokens[*index].test);
        product
            .filter_map(|index| Some(self.violation(index, &judge(index)?)))
            .collect()
    }

    /// The top-level modules that are named, with the index of each name: by `crate::x`, by `crate::{x, y::z}`, and by
    /// as many `super` as lead there.
    pub fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            let after = if self.is(index, &["crate", ":", ":"]) {
                Some(index + 3)
            } else if self.text(index) == "super" {
                let mut end = index;
                while self.is(end, &["super", ":", ":"]) {
                    end += 3;
                }
                let levels = (end - index) / 3;
                let there = levels > 0 && levels >= self.depth() + self.tokens[index].inline;
                index = end.max(index + 1) - 1;
                there.then_some(end)
            } else {
                None
            };
            if let Some(after) = after {
                found.extend(self.first_names(after));
            }
            index += 1;
        }
        found
    }

    /// The name at an index, or the first names of the paths in the braces at it.
    pub fn first_names(&self, index: usize) -> Vec<(usize, String)> {
        if self.text(index) != "{" {
            return vec![(index, self.text(index).to_owned())];
        }
        let mut names = Vec::new();
        let mut depth = 0;
        for place in index..self.tokens.len() {
            match self.text(place) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && ["{", ","].contains(&self.text(place)) {
                names.push((place + 1, self.text(place + 1).to_owned()));
            }
        }
        names
    }
}

fn is_test_file(path: &str) -> bool {
    ["/tests.rs", "/stub.rs"].iter().any(|end| path.ends_with(end)) || path.contains("/tests/")
}

fn flatten(stream: TokenStream, inline: usize, test: bool, tokens: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut only_test = false;
    for (index, tree) in trees.iter().enumerate() {
        let text = tree.to_string();
        let token = |text: &str, line| Token {
            text: text.to_owned(),
            line,
            inline,
            test: test || only_test,
        };
        let line = tree.span().start().line;
        let TokenTree::Group(group) = tree else {
            tokens.push(token(&text, line));
            // The end of an item without a body, such as `mod tests;`.
            only_test &= text != ";";
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let before = |steps: usize| index.checked_sub(steps).map(|index| trees[index].to_string());
        tokens.push(token(open, line));
        // A doc comment is an attribute too, and its text is not code.
        if !text.starts_with("[doc") {
            let module = open == "{" && before(2).as_deref() == Some("mod");
            let inside = inline + usize::from(module);
            flatten(group.stream(), inside, test || only_test, tokens);
        }
        tokens.push(token(close, group.span_close().start().line));
        let attribute = before(1).as_deref() == Some("#");
        only_test |= attribute && text.replace(' ', "") == "[cfg(test)]";
        only_test &= open != "{";
    }
}
