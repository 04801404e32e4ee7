//! The table of functions over lists, sets and objects, and those over objects.

use std::collections::BTreeMap;
use std::rc::Rc;

use unicode_segmentation::UnicodeSegmentation as _;

use super::call::{Call, Outcome};
use super::{Function, conversions, lists, sets};
use crate::config::value::{Entry, Kind, Value, find};
use crate::diag::{quote, suggestion};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", &["list"], "Whether every item is true", lists::alltrue),
    Function::new("anytrue", &["list"], "Whether one item is true", lists::anytrue),
    Function::new(
        "chunklist",
        &["list", "size"],
        "The items in lists of this size",
        lists::chunklist,
    ),
    Function::new(
        "coalesce",
        &["values..."],
        "The first value that is neither null nor an empty text",
        lists::coalesce,
    ),
    Function::new(
        "coalescelist",
        &["lists..."],
        "The first list that is not empty",
        lists::coalescelist,
    ),
    Function::new(
        "compact",
        &["list"],
        "The texts that are neither null nor empty",
        lists::compact,
    ),
    Function::new(
        "concat",
        &["lists..."],
        "The items of all lists, in one",
        lists::concat,
    ),
    Function::new(
        "contains",
        &["list", "value"],
        "Whether the value is an item",
        |call| {
            let (items, value) = (call.items(0)?, call.value(1));
            call.bool(items.contains(&value))
        },
    ),
    Function::new(
        "distinct",
        &["list"],
        "The items, each where it comes first",
        lists::distinct,
    ),
    Function::new(
        "element",
        &["list", "index"],
        "The item of this index, counted round and round; -1 is the last",
        lists::element,
    ),
    Function::new(
        "flatten",
        &["list"],
        "The items of all lists within the list, in one",
        lists::flatten,
    ),
    Function::new(
        "index",
        &["list", "value"],
        "The index at which the value comes first",
        lists::index,
    ),
    Function::new("keys", &["map"], "The keys, sorted", |call| {
        let keys = call.entries(0)?;
        call.list(
            keys.iter()
                .map(|entry| Value::string(&entry.key, entry.key_span))
                .collect(),
        )
    }),
    Function::new(
        "length",
        &["value"],
        "The number of items, or of characters of a text",
        length,
    ),
    Function::new(
        "lookup",
        &["map", "key", "default?"],
        "The value of a key, or the default where it is absent",
        lookup,
    ),
    Function::new(
        "matchkeys",
        &["values", "keys", "searchset"],
        "The values whose key, at the same place in its list, is in the set",
        lists::matchkeys,
    ),
    Function::new(
        "merge",
        &["maps..."],
        "The entries of all maps; of the same key, the last",
        merge,
    ),
    Function::new(
        "one",
        &["list"],
        "The only item, or null where there is none",
        lists::one,
    ),
    Function::new(
        "range",
        &["start_or_limit", "limit?", "step?"],
        "Numbers from a start up to, without, a limit",
        lists::range,
    ),
    Function::new("reverse", &["list"], "The items in reverse", |call| {
        let mut items = call.items(0)?;
        items.reverse();
        call.list(items)
    }),
    Function::new(
        "setintersection",
        &["sets..."],
        "The items that are in every set",
        sets::setintersection,
    ),
    Function::new(
        "setproduct",
        &["sets..."],
        "Every combination of an item of each set",
        sets::setproduct,
    ),
    Function::new(
        "setsubtract",
        &["set", "other"],
        "The items that are not in the other set",
        sets::setsubtract,
    ),
    Function::new(
        "setunion",
        &["sets..."],
        "The items that are in one of the sets",
        sets::setunion,
    ),
    Function::new(
        "slice",
        &["list", "start", "end"],
        "The items from an index up to, without, another",
        lists::slice,
    ),
    Function::new(
        "sort",
        &["list"],
        "The texts, sorted by their characters' numbers",
        lists::sort,
    ),
    Function::new("sum", &["list"], "The sum of the numbers", conversions::sum),
    Function::new(
        "transpose",
        &["map"],
        "A map of lists of texts turned round: each text with the keys whose list holds it",
        transpose,
    ),
    Function::new(
        "values",
        &["map"],
        "The values, in the order of their keys",
        |call| {
            let entries = call.entries(0)?;
            call.list(entries.iter().map(|entry| entry.value.clone()).collect())
        },
    ),
    Function::new(
        "zipmap",
        &["keys", "values"],
        "A map from a list of keys and a list of their values",
        zipmap,
    ),
];

fn length(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.value(0);
    let length = match &value.kind {
        Kind::List(items) | Kind::Set(items) => items.len(),
        Kind::Object(entries) => entries.len(),
        Kind::String(text) => text.graphemes(true).count(),
        _ => return Err(call.wrong_type(0, "a list, a map or a string", &value)),
    };
    call.whole(i128::try_from(length).unwrap_or(i128::MAX))
}

fn lookup(call: &mut Call<'_, '_>) -> Outcome {
    let (entries, key) = (call.entries(0)?, call.text(1)?);
    if let Some(entry) = find(&entries, &key) {
        return Ok(entry.value.clone());
    }
    if call.len() == 3 {
        return Ok(call.value(2));
    }
    call.charge(entries.len())?;
    let help = suggestion(&key, entries.iter().map(|entry| &*entry.key))
        .unwrap_or_else(|| "give a default as the third argument".to_owned());
    Err(call.fault_with(1, format!("there is no key {}", quote(&key)), help))
}

fn merge(call: &mut Call<'_, '_>) -> Outcome {
    let mut merged: BTreeMap<Rc<str>, Entry> = BTreeMap::new();
    for index in 0..call.len() {
        if matches!(call.value(index).kind, Kind::Null) {
            continue;
        }
        let entries = call.entries(index)?;
        merged.extend(entries.iter().map(|entry| (Rc::clone(&entry.key), entry.clone())));
    }
    Ok(Value::object(merged.into_values().collect(), call.span))
}

fn transpose(call: &mut Call<'_, '_>) -> Outcome {
    let entries = call.entries(0)?;
    let mut turned: BTreeMap<Rc<str>, Vec<Value>> = BTreeMap::new();
    for entry in entries.iter() {
        let items = entry.value.items();
        let items = items.ok_or_else(|| call.wrong_type(0, "a map of lists", &entry.value))?;
        for item in items {
            let text = item.to_text();
            let text = text.ok_or_else(|| call.wrong_type(0, "a map of lists of strings", item))?;
            let key = Value::string(&entry.key, entry.key_span);
            call.charge(key.size)?;
            turned.entry(text).or_default().push(key);
        }
    }
    let entries = turned.into_iter().map(|(key, keys)| Entry {
        key,
        key_span: call.span,
        value: Value::list(keys, call.span),
    });
    Ok(Value::object(entries.collect(), call.span))
}

fn zipmap(call: &mut Call<'_, '_>) -> Outcome {
    let (keys, values) = (call.texts(0)?, call.items(1)?);
    if keys.len() != values.len() {
        let message = format!("there are {} keys and {} values", keys.len(), values.len());
        return Err(call.fault(1, message));
    }
    let places = call.items(0)?;
    let zipped: BTreeMap<Rc<str>, Entry> = keys
        .into_iter()
        .zip(places.iter().zip(values))
        .map(|(key, (place, value))| {
            let entry = Entry {
                key: Rc::clone(&key),
                key_span: place.span,
                value,
            };
            (key, entry)
        })
        .collect();
    Ok(Value::object(zipped.into_values().collect(), call.span))
}
