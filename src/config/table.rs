//! Every block of a tenants file and every argument: the decoder takes the names it knows, what it suggests and what it
//! shows as an example from here; so do the JSON schema and the tables of docs/tenants-file.md.

mod blocks;

pub use self::blocks::*;

/// A block, or an object that stands for one.
#[derive(Debug)]
pub struct Block {
    /// Its name.
    pub name: &'static str,
    /// Whether it has a label, the name of what it describes.
    pub has_label: bool,
    /// Its arguments, in the order of the documentation.
    pub arguments: &'static [Argument],
}

/// One argument of a block.
#[derive(Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// What holds where it is absent, in Markdown; none where it has to be there.
    pub default: Option<&'static str>,
    /// What it means, in Markdown.
    pub meaning: &'static str,
    /// A value, as a file gives it.
    pub example: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Any string.
    Text,
    /// One of these strings.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number from -1 on.
    Number,
    /// A list of strings.
    Texts,
    /// A list of strings, or an object of bools.
    Switches,
    /// An object of strings, numbers or bools.
    Scalars,
    /// A string with `${tenant}` in it.
    Template,
    /// A type, such as `list(string)`.
    Type,
    /// Whatever there is.
    Any,
    /// A set of strings or an object.
    Elements,
    /// A nested block, or an object.
    Nested(&'static Block),
}

impl Block {
    /// The argument of this name.
    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// The names of all arguments.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.arguments.iter().map(|argument| argument.name)
    }
}

const fn row(
    name: &'static str,
    form: Form,
    default: Option<&'static str>,
    example: &'static str,
    meaning: &'static str,
) -> Argument {
    Argument {
        name,
        form,
        default,
        meaning,
        example,
    }
}
