//! The canonical layout: what `terraform fmt` does to the lines of a file, by the same rules
//! (<https://developer.hashicorp.com/terraform/language/style>). Words, texts, comments and line breaks stay; only the blanks
//! between them change.

use hcl::edit::expr::{Array, FuncArgs, Object};
use hcl::edit::structure::Body;
use hcl::edit::visit_mut::{VisitMut, visit_array_mut, visit_func_args_mut, visit_object_mut};

use super::tokens::{Form, Token, tokens};

/// Blanks of one level of brackets.
const INDENT: usize = 2;

/// A line: its tokens, each with the number of blanks before it.
struct Line<'a> {
    cells: Vec<(usize, Token<'a>)>,
    line_break: &'a str,
    /// The first token behind the name of an attribute, if its value ends on the line.
    assignment: Option<usize>,
    /// A comment behind other things.
    comment: Option<usize>,
}

/// The text in canonical layout. For a text that parses; of any other, the outcome is of no use.
pub(super) fn format(text: &str) -> String {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let mut lines = lines(text);
    for line in &mut lines {
        space(line);
        find_cells(line);
    }
    indent(&mut lines);
    align(&mut lines, |line| line.assignment);
    align(&mut lines, |line| line.comment);
    let mut formatted = mark.to_owned();
    for line in &lines {
        for (blanks, token) in &line.cells {
            formatted.extend(std::iter::repeat_n(' ', *blanks));
            formatted.push_str(token.text);
        }
        formatted.push_str(line.line_break);
    }
    formatted
}

/// The same tree without the blanks before closing brackets, which are compared otherwise.
pub(super) fn without_blanks(mut body: Body) -> Body {
    struct Blanks;
    impl VisitMut for Blanks {
        fn visit_array_mut(&mut self, node: &mut Array) {
            node.set_trailing("");
            visit_array_mut(self, node);
        }
        fn visit_object_mut(&mut self, node: &mut Object) {
            node.set_trailing("");
            visit_object_mut(self, node);
        }
        fn visit_func_args_mut(&mut self, node: &mut FuncArgs) {
            node.set_trailing("");
            visit_func_args_mut(self, node);
        }
    }
    Blanks.visit_body_mut(&mut body);
    body
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut cells = Vec::new();
    for token in tokens(text) {
        if token.form == Form::LineBreak {
            lines.push(Line::new(std::mem::take(&mut cells), token.text));
        } else {
            cells.push((0, token));
        }
    }
    if !cells.is_empty() {
        // The last line ends like the one before it.
        let line_break = lines.last().map_or("\n", |line| line.line_break);
        lines.push(Line::new(cells, line_break));
    }
    lines
}

impl<'a> Line<'a> {
    fn new(cells: Vec<(usize, Token<'a>)>, line_break: &'a str) -> Self {
        Self {
            cells,
            line_break,
            assignment: None,
            comment: None,
        }
    }

    /// Opening brackets less closing ones.
    fn brackets(&self) -> i32 {
        self.cells.iter().map(|(_, token)| token.bracket()).sum()
    }

    /// Columns before a token.
    fn columns(&self, end: usize) -> usize {
        let width = |(blanks, token): &(usize, Token<'_>)| blanks + token.text.chars().count();
        self.cells.iter().take(end).map(width).sum()
    }
}

/// Sets the blanks between the tokens of a line.
fn space(line: &mut Line<'_>) {
    for index in 1..line.cells.len() {
        let before = index.checked_sub(2).map(|before| line.cells[before].1);
        let (left, right) = (line.cells[index - 1].1, line.cells[index].1);
        line.cells[index].0 = usize::from(is_spaced(before, &left, &right));
    }
}

/// Whether a blank stands between two tokens; `before` is what stands before both.
fn is_spaced(before: Option<Token<'_>>, left: &Token<'_>, right: &Token<'_>) -> bool {
    let is_word = left.form == Form::Word;
    if left.is_comment() || right.is_comment() {
        return true;
    }
    if left.form == Form::Number && right.is(".") {
        // `42 .5` is an item of a number, whatever that may be; `42.5` is a number.
        return true;
    }
    if (is_word && right.is("(")) || left.is(".") || right.is(".") || left.is("::") || right.is("::") {
        return false;
    }
    if right.is(",") || right.is("...") {
        return false;
    }
    if left.is(",") {
        return true;
    }
    if is_word && left.text == "in" && before.is_some_and(|before| before.form == Form::Word) {
        // `[for x in [1, 2] : x]`
        return true;
    }
    let is_item = is_word || left.form == Form::Number || left.bracket() < 0;
    if (right.is("[") && is_item) || left.is("!") {
        return false;
    }
    if left.is("-") {
        // A sign, unless there is something to subtract from.
        return before.is_some_and(|before| before.form != Form::Sign || before.bracket() < 0);
    }
    if left.is("{") || right.is("}") {
        return !(left.is("{") && right.is("}"));
    }
    left.bracket() <= 0 && right.bracket() >= 0
}

/// Finds what is put below one another.
fn find_cells(line: &mut Line<'_>) {
    let last = line.cells.len().saturating_sub(1);
    let is_comment = |(_, token): &(usize, Token<'_>)| token.is_comment() && !token.text.contains('\n');
    if last > 0 && line.cells.last().is_some_and(is_comment) {
        line.comment = Some(last);
    }
    let equals = line.cells.iter().position(|(_, token)| token.is("="));
    line.assignment = equals.filter(|equals| {
        // A value that goes on in the next line is not part of a column.
        let value = line.cells.iter().skip(*equals);
        *equals > 0 && value.map(|(_, token)| token.bracket()).sum::<i32>() == 0
    });
}

/// Sets the blanks before each line.
fn indent(lines: &mut [Line<'_>]) {
    // What each line left open.
    let mut open: Vec<i32> = Vec::new();
    for line in lines {
        let brackets = line.brackets();
        let mut closed = -brackets;
        while closed > 0
            && let Some(last) = open.last_mut()
        {
            let taken = closed.min(*last);
            *last -= taken;
            closed -= taken;
            if *last == 0 {
                open.pop();
            }
        }
        if let Some((blanks, _)) = line.cells.first_mut() {
            *blanks = INDENT * open.len();
        }
        if brackets > 0 {
            open.push(brackets);
        }
    }
}

/// Puts a cell of lines that follow one another into one column.
fn align(lines: &mut [Line<'_>], cell: impl Fn(&Line<'_>) -> Option<usize>) {
    for chain in lines.chunk_by_mut(|a, b| cell(a).is_some() && cell(b).is_some()) {
        let columns = |line: &Line<'_>| cell(line).map(|cell| line.columns(cell));
        let widest = chain.iter().filter_map(columns).max().unwrap_or(0);
        for line in chain {
            if let Some(index) = cell(line) {
                let columns = line.columns(index);
                line.cells[index].0 = widest - columns + 1;
            }
        }
    }
}
