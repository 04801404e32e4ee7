//! Reading and cutting the XML of answers, by element and never by text.

use std::ops::Range;

use roxmltree::{Document, Node};

/// The decoded texts of all elements of a name.
pub(super) fn texts(xml: &str, tag: &str) -> Vec<String> {
    let Ok(document) = Document::parse(xml) else {
        return Vec::new();
    };
    let named = document
        .descendants()
        .filter(|node| node.has_tag_name_anywhere(tag));
    named
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

/// The text of the first element of a name.
pub(super) fn text(xml: &str, tag: &str) -> Option<String> {
    texts(xml, tag).into_iter().next()
}

/// An answer with lists in it, to be told page by page.
#[derive(Debug)]
pub(super) struct Listing {
    xml: String,
    items: Vec<Range<usize>>,
    /// What it said of pages itself.
    old: Vec<Range<usize>>,
    end: usize,
}

impl Listing {
    /// Nothing when the answer holds no list.
    pub(super) fn new(xml: String) -> Option<Self> {
        let document = Document::parse(&xml).ok()?;
        let result = document.root_element().children().find(|node| {
            let name = node.tag_name().name();
            node.is_element() && name.ends_with("Result")
        })?;
        let items = result
            .children()
            .flat_map(|list| list.children())
            .filter(|item| item.is_element())
            .map(|item| item.range())
            .collect();
        let is_old = |node: &Node<'_, '_>| matches!(node.tag_name().name(), "IsTruncated" | "Marker");
        let old = result
            .children()
            .filter(is_old)
            .map(|node| node.range())
            .collect();
        let end = result.last_child()?.range().end;
        Some(Self { items, old, end, xml })
    }

    /// So many items from one on, with the marker of the next.
    pub(super) fn page(&self, from: usize, count: usize) -> String {
        let (until, all) = (from + count, self.items.len());
        let others = self.items.iter().enumerate();
        let others = others.filter(|(n, _)| !(from..until).contains(n));
        let mut cuts: Vec<&Range<usize>> = others.map(|(_, range)| range).chain(&self.old).collect();
        cuts.sort_by_key(|cut| cut.start);
        let (mut page, mut at) = (String::new(), 0);
        for cut in cuts {
            page.push_str(&self.xml[at..cut.start]);
            at = cut.end;
        }
        page.push_str(&self.xml[at..self.end]);
        page.push_str(&match until < all {
            true => format!("<IsTruncated>true</IsTruncated><Marker>{until}</Marker>"),
            false => "<IsTruncated>false</IsTruncated>".to_owned(),
        });
        page.push_str(&self.xml[self.end..]);
        page
    }
}

/// Replaces the values of entries of a map, `<entry><key>..</key><value>..</value></entry>`.
pub(super) fn replace_entries(xml: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let Ok(document) = Document::parse(xml) else {
        return xml.to_owned();
    };
    let child = |entry: Node<'_, '_>, name: &str| {
        let found = entry.children().find(|node| node.has_tag_name_anywhere(name));
        found
            .and_then(|node| node.first_child().map(|text| (text.range(), text.text())))
            .and_then(|(range, text)| Some((range, text?.to_owned())))
    };
    let (mut replaced, mut at) = (String::new(), 0);
    for entry in document
        .descendants()
        .filter(|node| node.has_tag_name_anywhere("entry"))
    {
        let (Some((_, key)), Some((range, _))) = (child(entry, "key"), child(entry, "value")) else {
            continue;
        };
        if let Some(value) = replace(&key) {
            replaced.push_str(&xml[at..range.start]);
            replaced.push_str(&value);
            at = range.end;
        }
    }
    replaced.push_str(&xml[at..]);
    replaced
}

/// Replaces the texts of all elements of a name.
pub(super) fn replace_texts(xml: &str, tag: &str, with: &str) -> String {
    let Ok(document) = Document::parse(xml) else {
        return xml.to_owned();
    };
    let named = document
        .descendants()
        .filter(|node| node.has_tag_name_anywhere(tag));
    let (mut replaced, mut at) = (String::new(), 0);
    for text in named.filter_map(|node| node.first_child()) {
        replaced.push_str(&xml[at..text.range().start]);
        replaced.push_str(with);
        at = text.range().end;
    }
    replaced.push_str(&xml[at..]);
    replaced
}

/// Answers have a default namespace, which differs by service.
trait Named {
    fn has_tag_name_anywhere(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    fn has_tag_name_anywhere(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: &str = "<XResponse xmlns=\"https://iam/\"><XResult><IsTruncated>false</IsTruncated><Users><member>\
                         <Tags><member>a</member></Tags></member><member>b</member></Users><Groups /><Roles><member>c\
                         </member></Roles></XResult><ResponseMetadata /></XResponse>";

    #[test]
    fn pages_hold_whole_items_and_together_all_of_them() {
        let listing = Listing::new(LISTS.to_owned()).expect("an answer with lists");
        let pages: Vec<_> = (0..3).map(|n| listing.page(n, 1)).collect();
        let expected = [
            "<Users><member><Tags><member>a</member></Tags></member></Users><Groups /><Roles></Roles>\
             <IsTruncated>true</IsTruncated><Marker>1</Marker>",
            "<Users><member>b</member></Users><Groups /><Roles></Roles><IsTruncated>true</IsTruncated><Marker>2</Marker>",
            "<Users></Users><Groups /><Roles><member>c</member></Roles><IsTruncated>false</IsTruncated>",
        ];
        for (page, expected) in pages.iter().zip(expected) {
            let inside = format!("<XResult>{expected}</XResult><ResponseMetadata />");
            assert!(page.contains(&inside), "{page}");
        }
        assert_eq!(pages.len(), 3);
        assert_eq!(texts(&listing.page(0, 3), "member").len(), 4);
    }

    #[test]
    fn an_entry_gets_another_value() {
        let map = "<M><entry><key>Users</key><value>3</value></entry><entry><key>Roles</key><value>4</value></entry></M>";
        let replaced = replace_entries(map, |key| (key == "Roles").then(|| "9".to_owned()));
        assert_eq!(replaced, map.replace('4', "9"));
        assert_eq!(replace_texts(map, "value", "9"), map.replace(['3', '4'], "9"));
    }
}
