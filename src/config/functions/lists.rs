//! Functions over lists.

use std::collections::BTreeSet;

use hcl::edit::Number;

use super::call::{Call, Outcome, as_integer};
use super::conversions::{as_bool, unify};
use crate::config::value::{Kind, Value};
use crate::diag::quote;

pub(super) fn alltrue(call: &mut Call<'_, '_>) -> Outcome {
    let mut all = true;
    for item in call.items(0)? {
        all &= match (&item.kind, as_bool(&item)) {
            (Kind::Null, _) => false,
            (_, Some(value)) => value,
            _ => return Err(call.wrong_type(0, "a list of bools", &item)),
        };
    }
    call.bool(all)
}

pub(super) fn anytrue(call: &mut Call<'_, '_>) -> Outcome {
    let mut any = false;
    for item in call.items(0)? {
        any |= match (&item.kind, as_bool(&item)) {
            (Kind::Null, _) => false,
            (_, Some(value)) => value,
            _ => return Err(call.wrong_type(0, "a list of bools", &item)),
        };
    }
    call.bool(any)
}

pub(super) fn chunklist(call: &mut Call<'_, '_>) -> Outcome {
    let (items, size) = (call.items(0)?, call.integer(1)?);
    let Ok(size) = usize::try_from(size) else {
        return Err(call.fault(1, "the size is negative"));
    };
    // Zero means as large as it has to be.
    let size = if size == 0 { items.len().max(1) } else { size };
    let chunks = items
        .chunks(size)
        .map(|chunk| Value::list(chunk.to_vec(), call.span));
    call.list(chunks.collect())
}

pub(super) fn coalesce(call: &mut Call<'_, '_>) -> Outcome {
    let values = (0..call.len()).map(|index| call.value(index)).collect();
    let is_there = |value: &Value| match &value.kind {
        Kind::Null => false,
        Kind::String(text) => !text.is_empty(),
        _ => true,
    };
    match unify(values).into_iter().find(is_there) {
        Some(value) => Ok(value),
        None => Err(call.fault(0, "all values are null or empty")),
    }
}

pub(super) fn coalescelist(call: &mut Call<'_, '_>) -> Outcome {
    for index in 0..call.len() {
        if matches!(call.value(index).kind, Kind::Null) {
            continue;
        }
        let items = call.items(index)?;
        if !items.is_empty() {
            return call.list(items);
        }
    }
    Err(call.fault(0, "all lists are null or empty"))
}

pub(super) fn compact(call: &mut Call<'_, '_>) -> Outcome {
    let mut kept = Vec::new();
    for item in call.items(0)? {
        match (&item.kind, item.to_text()) {
            (Kind::Null, _) => {}
            (_, Some(text)) if text.is_empty() => {}
            (_, Some(text)) => kept.push(Value::string(&text, item.span)),
            _ => return Err(call.wrong_type(0, "a list of strings", &item)),
        }
    }
    call.list(kept)
}

pub(super) fn concat(call: &mut Call<'_, '_>) -> Outcome {
    let mut all = Vec::new();
    for index in 0..call.len() {
        all.extend(call.items(index)?);
    }
    call.list(all)
}

pub(super) fn distinct(call: &mut Call<'_, '_>) -> Outcome {
    let items = unify(call.items(0)?);
    let mut seen = BTreeSet::new();
    let kept = items.iter().filter(|item| seen.insert(*item)).cloned().collect();
    call.list(kept)
}

pub(super) fn element(call: &mut Call<'_, '_>) -> Outcome {
    let (items, index) = (call.items(0)?, call.integer(1)?);
    let length = i128::try_from(items.len()).unwrap_or(i128::MAX);
    let index = index
        .checked_rem_euclid(length)
        .and_then(|index| usize::try_from(index).ok());
    match index.and_then(|index| items.get(index)) {
        Some(item) => Ok(item.clone()),
        None => Err(call.fault(0, "the list is empty")),
    }
}

pub(super) fn flatten(call: &mut Call<'_, '_>) -> Outcome {
    let mut flat = Vec::new();
    let mut open: Vec<Value> = call.items(0)?;
    open.reverse();
    // Without recursion: lists may be nested deeply by locals.
    while let Some(item) = open.pop() {
        match item.items() {
            Some(inner) => open.extend(inner.iter().rev().cloned()),
            None => flat.push(item),
        }
    }
    call.list(flat)
}

pub(super) fn index(call: &mut Call<'_, '_>) -> Outcome {
    let (items, value) = (call.items(0)?, call.value(1));
    match items.iter().position(|item| *item == value) {
        Some(index) => call.whole(i128::try_from(index).unwrap_or(i128::MAX)),
        None => Err(call.fault_with(
            1,
            "the list has no such item",
            "`contains(list, value)` asks whether it has",
        )),
    }
}

pub(super) fn matchkeys(call: &mut Call<'_, '_>) -> Outcome {
    let (values, keys) = (call.items(0)?, unify(call.items(1)?));
    let wanted: BTreeSet<Value> = unify(call.items(2)?).into_iter().collect();
    if values.len() != keys.len() {
        let message = format!("there are {} values and {} keys", values.len(), keys.len());
        return Err(call.fault(1, message));
    }
    let found = values
        .into_iter()
        .zip(&keys)
        .filter(|(_, key)| wanted.contains(key));
    call.list(found.map(|(value, _)| value).collect())
}

pub(super) fn one(call: &mut Call<'_, '_>) -> Outcome {
    let items = call.items(0)?;
    match items.as_slice() {
        [] => Ok(Value::new(Kind::Null, call.span)),
        [item] => Ok(item.clone()),
        _ => Err(call.fault(0, format!("the list has {} items, not one", items.len()))),
    }
}

pub(super) fn slice(call: &mut Call<'_, '_>) -> Outcome {
    let items = call.items(0)?;
    let (start, end) = (call.integer(1)?, call.integer(2)?);
    let index = |index: i128| usize::try_from(index).ok().filter(|index| *index <= items.len());
    let bounds = || {
        format!(
            "the list has {} items, so indexes from 0 to {}",
            items.len(),
            items.len()
        )
    };
    let begin =
        index(start).ok_or_else(|| call.fault_with(1, format!("there is no index {start}"), bounds()))?;
    let end = index(end).ok_or_else(|| call.fault_with(2, format!("there is no index {end}"), bounds()))?;
    match items.get(begin..end) {
        Some(part) => call.list(part.to_vec()),
        None => Err(call.fault(1, "the start lies behind the end")),
    }
}

pub(super) fn sort(call: &mut Call<'_, '_>) -> Outcome {
    let mut texts = call.texts(0)?;
    texts.sort();
    call.list(texts.iter().map(|text| Value::string(text, call.span)).collect())
}

/// `range(limit)`, `range(start, limit)`, `range(start, limit, step)`.
pub(super) fn range(call: &mut Call<'_, '_>) -> Outcome {
    let (start, limit) = match call.len() {
        1 => (Number::from(0_u64), call.number(0)?),
        _ => (call.number(0)?, call.number(1)?),
    };
    let step = match call.len() {
        3 => Some(call.number(2)?),
        _ => None,
    };
    if let (Some(start), Some(limit)) = (as_integer(start), as_integer(limit))
        && let Some(step) = step.map_or(Some(if limit < start { -1 } else { 1 }), as_integer)
    {
        let count = count(call, (limit - start).signum(), step.signum())?;
        let count = count.map(|()| (limit - start).unsigned_abs().div_ceil(step.unsigned_abs()));
        let count = usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX);
        call.charge(count)?;
        let numbers = (0..count).map(|index| {
            let offset = i128::try_from(index).unwrap_or(i128::MAX);
            call.whole(start + offset * step)
        });
        let numbers: Result<Vec<Value>, _> = numbers.collect();
        return call.list(numbers?);
    }
    let float = |number: Number| number.as_f64().unwrap_or_default();
    let (start, limit) = (float(start), float(limit));
    let step = step.map_or(if limit < start { -1.0 } else { 1.0 }, float);
    let sign = |number: f64| i128::from(number > 0.0) - i128::from(number < 0.0);
    let mut numbers = Vec::new();
    if count(call, sign(limit - start), sign(step))?.is_some() {
        let mut number = start;
        while (step > 0.0 && number < limit) || (step < 0.0 && number > limit) {
            call.charge(1)?;
            numbers.push(call.result(Number::from_f64(number))?);
            let next = number + step;
            if sign(next - number) != sign(step) {
                let message = format!("the step {} is lost beside {number}", quote(&step.to_string()));
                return Err(call.fault(2, message));
            }
            number = next;
        }
    }
    call.list(numbers)
}

/// Whether there is a number at all, once the step leads from the start to the limit.
fn count(call: &Call<'_, '_>, way: i128, step: i128) -> Result<Option<()>, super::call::Fault> {
    match (way, step) {
        (_, 0) => Err(call.fault(2, "a step of zero leads nowhere")),
        (0, _) => Ok(None),
        (way, step) if way == step => Ok(Some(())),
        _ => Err(call.fault(2, "the step leads away from the limit")),
    }
}
