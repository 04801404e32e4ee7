//! The clients list of a Terraform parameters file, as tenant blocks. Values stay as they were written, letter by
//! letter, and comments stay where they are. `fmt` lays it out.

use hcl::edit::Span as _;
use hcl::edit::expr::{Expression, Object};
use hcl::edit::parser::parse_body;

/// The blocks, or nothing where there is no plain list of objects called `clients`. The text is one that was loaded
/// without an error.
pub(super) fn blocks(text: &str) -> Option<String> {
    let body = parse_body(text).ok()?;
    let list = body
        .attributes()
        .find(|attribute| attribute.key.as_str() == "clients")?;
    let whole = list.value.span()?;
    let mut blocks: Vec<String> = Vec::new();
    let mut end = whole.start + 1;
    for client in list.value.as_array()?.iter() {
        let span = client.span()?;
        let (behind, before) = comments(&text[end..span.start], blocks.is_empty());
        // What stands behind a client on its line is about that client.
        if let (Some(comment), Some(last)) = (behind, blocks.last_mut()) {
            last.insert_str(0, &format!("{comment}\n"));
        }
        let before: String = before.iter().map(|comment| format!("{comment}\n")).collect();
        blocks.push(before + &block(text, client.as_object()?)?);
        end = span.end;
    }
    let (behind, after) = comments(&text[end..whole.end - 1], blocks.is_empty());
    if let (Some(comment), Some(last)) = (behind, blocks.last_mut()) {
        last.insert_str(0, &format!("{comment}\n"));
    }
    blocks.extend((!after.is_empty()).then(|| after.join("\n") + "\n"));
    Some(blocks.join("\n"))
}

fn block(text: &str, client: &Object) -> Option<String> {
    let span = client.span()?;
    let mut name = None;
    // Names with values, and comments.
    let mut lines: Vec<(String, Option<String>)> = Vec::new();
    let mut end = span.start + 1;
    let mut first = true;
    for (key, value) in client.iter() {
        let key = match (key.as_ident(), key.as_expr()) {
            (Some(ident), _) => ident.as_str(),
            (None, Some(Expression::String(key))) => key.as_str(),
            _ => return None,
        };
        let at = value.expr().span()?;
        add_comments(&mut lines, &text[end..at.start], first);
        match (key, value.expr()) {
            ("name", Expression::String(given)) => name = Some(given.as_str()),
            ("name", _) => return None,
            _ => lines.push((key.to_owned(), Some(text[at.clone()].to_owned()))),
        }
        (end, first) = (at.end, key == "name");
    }
    add_comments(&mut lines, &text[end..span.end - 1], first);
    let lines = lines.iter().map(|(key, value)| match value {
        Some(value) => format!("  {key} = {value}\n"),
        None => format!("  {key}\n"),
    });
    Some(format!(
        "tenant \"{}\" {{\n{}}}\n",
        name?,
        lines.collect::<String>()
    ))
}

fn add_comments(lines: &mut Vec<(String, Option<String>)>, between: &str, first: bool) {
    let (behind, before) = comments(between, first);
    if let (Some(comment), Some((_, Some(value)))) = (behind, lines.last_mut()) {
        value.push(' ');
        value.push_str(&comment);
    }
    lines.extend(before.into_iter().map(|comment| (comment, None)));
}

/// The comments between two values: the one on the line of the value before it, unless there is `none`, and those
/// on lines of their own. No string can stand there that only looks like a comment.
fn comments(between: &str, none: bool) -> (Option<String>, Vec<String>) {
    let (mut behind, mut before) = (None, Vec::new());
    let mut rest = between;
    let mut on_its_line = !none;
    while let Some(start) = rest.find(['#', '/', '\n']) {
        let from = &rest[start..];
        let (comment, length) = if from.starts_with('\n') {
            on_its_line = false;
            (None, 1)
        } else if from.starts_with("/*") {
            let length = from.find("*/").map_or(from.len(), |end| end + 2);
            (Some(from[2..length].trim_end_matches("*/")), length)
        } else {
            let length = from.find('\n').unwrap_or(from.len());
            (Some(from[..length].trim_start_matches(['#', '/'])), length)
        };
        for line in comment.into_iter().flat_map(str::lines) {
            let line = format!("# {}", line.trim()).trim_end().to_owned();
            match (on_its_line, &behind) {
                (true, None) => behind = Some(line),
                _ => before.push(line),
            }
        }
        rest = &from[length..];
    }
    (behind, before)
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn values_and_comments_stay_as_they_were_written() {
        let text = r##"
region  = "eu-central-1"
clients = [
  # The first one.
  { name = "client01", databases = { db1 = true, "db2" = false }, allowed_ips = ["109.241.200.168/32"] }, # pays late
  /* Two lines
     about the next. */
  {
    "name"     : "client02" # renamed once
    // by password
    rds_iam_auth = false # for now
    databases = ["a#b", # not a comment in quotes
    ]
    # last
  },
  # That is all.
]
"##;
        let expected = r##"# pays late
# The first one.
tenant "client01" {
  databases = { db1 = true, "db2" = false }
  allowed_ips = ["109.241.200.168/32"]
}

# Two lines
# about the next.
tenant "client02" {
  # renamed once
  # by password
  rds_iam_auth = false # for now
  databases = ["a#b", # not a comment in quotes
    ]
  # last
}

# That is all.
"##;
        assert_eq!(blocks(text).expect("a list"), expected);
    }

    #[test]
    fn what_is_no_plain_list_is_left() {
        assert_eq!(blocks("client = []"), None);
        assert_eq!(blocks("clients = { a = 1 }"), None);
        assert_eq!(blocks("clients = [\"a\"]"), None);
        assert_eq!(blocks("clients = [{ databases = [] }]"), None);
        assert_eq!(blocks("clients = []").as_deref(), Some(""));
    }
}
