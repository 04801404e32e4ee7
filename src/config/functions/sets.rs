//! Functions over sets; a list counts as the set of its items.

use std::collections::BTreeSet;

use super::call::{Call, Fault, Outcome};
use super::conversions::unify;
use crate::config::value::{Kind, Value};

fn set(call: &Call<'_, '_>, index: usize) -> Result<BTreeSet<Value>, Fault> {
    Ok(unify(call.items(index)?).into_iter().collect())
}

fn at_least_one(call: &Call<'_, '_>) -> Result<(), Fault> {
    if call.len() == 0 {
        return Err(call.fault(0, "there is no set"));
    }
    Ok(())
}

pub(super) fn setunion(call: &mut Call<'_, '_>) -> Outcome {
    at_least_one(call)?;
    let mut all = BTreeSet::new();
    for index in 0..call.len() {
        all.extend(set(call, index)?);
    }
    Ok(Value::set(all.into_iter().collect(), call.span))
}

pub(super) fn setintersection(call: &mut Call<'_, '_>) -> Outcome {
    at_least_one(call)?;
    let mut all = set(call, 0)?;
    for index in 1..call.len() {
        let other = set(call, index)?;
        all.retain(|item| other.contains(item));
    }
    Ok(Value::set(all.into_iter().collect(), call.span))
}

pub(super) fn setsubtract(call: &mut Call<'_, '_>) -> Outcome {
    let (mut all, other) = (set(call, 0)?, set(call, 1)?);
    all.retain(|item| !other.contains(item));
    Ok(Value::set(all.into_iter().collect(), call.span))
}

/// Lists of one item of each argument; a set of them where all arguments are sets.
pub(super) fn setproduct(call: &mut Call<'_, '_>) -> Outcome {
    if call.len() < 2 {
        return Err(call.fault(0, "a product is of two sets at least"));
    }
    let mut all_sets = true;
    let mut factors = Vec::with_capacity(call.len());
    for index in 0..call.len() {
        all_sets &= matches!(call.value(index).kind, Kind::Set(_));
        factors.push(call.items(index)?);
    }
    let mut combinations: Vec<Vec<Value>> = vec![Vec::new()];
    for factor in &factors {
        let count = combinations.len().saturating_mul(factor.len());
        let size: usize = factor.iter().map(|item| item.size).sum();
        // What is there is copied once for each item, and each item once for each combination.
        let copied = combinations.first().map_or(0, Vec::len);
        call.charge(
            count
                .saturating_mul(copied + 1)
                .saturating_add(size.saturating_mul(combinations.len())),
        )?;
        combinations = combinations
            .iter()
            .flat_map(|begun| {
                factor.iter().map(|item| {
                    let mut longer = begun.clone();
                    longer.push(item.clone());
                    longer
                })
            })
            .collect();
    }
    let lists = combinations
        .into_iter()
        .map(|items| Value::list(items, call.span))
        .collect();
    if all_sets {
        return Ok(Value::set(lists, call.span));
    }
    call.list(lists)
}
