//! Networks: <https://developer.hashicorp.com/terraform/language/functions/cidrsubnet> and its siblings.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use ipnet::IpNet;

use super::Function;
use super::call::{Call, Fault, Outcome};
use crate::config::network;
use crate::config::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "cidrhost",
        &["prefix", "number"],
        "The address of this number in the network; a negative number counts from its end",
        cidrhost,
    ),
    Function::new(
        "cidrnetmask",
        &["prefix"],
        "The netmask of an IPv4 network",
        cidrnetmask,
    ),
    Function::new(
        "cidrsubnet",
        &["prefix", "bits", "number"],
        "The network of this number among those whose prefix is longer by so many bits",
        cidrsubnet,
    ),
    Function::new(
        "cidrsubnets",
        &["prefix", "bits..."],
        "Networks one behind the other, each with a prefix that is longer by so many bits",
        cidrsubnets,
    ),
];

/// A network as numbers.
struct Network {
    /// 32 or 128.
    width: u8,
    base: u128,
    prefix: u8,
}

impl Network {
    /// How many addresses it holds, less one: all of IPv6 does not fit otherwise.
    fn span(&self) -> u128 {
        ones(self.width - self.prefix)
    }

    fn show_address(&self, address: u128) -> String {
        match u32::try_from(address) {
            Ok(address) if self.width == 32 => Ipv4Addr::from(address).to_string(),
            _ => Ipv6Addr::from(address).to_string(),
        }
    }
}

/// A number of so many bits, all of them set.
fn ones(bits: u8) -> u128 {
    u128::MAX.checked_shr(128 - u32::from(bits)).unwrap_or(0)
}

fn parse(call: &Call<'_, '_>) -> Result<Network, Fault> {
    let text: Rc<str> = call.text(0)?;
    let network = network::parse_any(&text).map_err(|problem| {
        let mut fault = call.fault(0, &problem.message);
        if let Some(diagnostic) = &mut fault.0 {
            diagnostic.help = problem.help;
        }
        fault
    })?;
    let (width, base) = match network {
        IpNet::V4(network) => (32, u128::from(u32::from(network.network()))),
        IpNet::V6(network) => (128, u128::from(network.network())),
    };
    Ok(Network {
        width,
        base,
        prefix: network.prefix_len(),
    })
}

fn cidrhost(call: &mut Call<'_, '_>) -> Outcome {
    let network = parse(call)?;
    let number = call.integer(1)?;
    let offset = if number < 0 {
        network.span().checked_sub(number.unsigned_abs() - 1)
    } else {
        Some(number.unsigned_abs())
    };
    match offset.filter(|offset| *offset <= network.span()) {
        Some(offset) => call.string(network.show_address(network.base + offset)),
        None => {
            let message = format!(
                "a network of prefix /{} has no address number {number}",
                network.prefix
            );
            Err(call.fault(1, message))
        }
    }
}

fn cidrnetmask(call: &mut Call<'_, '_>) -> Outcome {
    let network = parse(call)?;
    if network.width != 32 {
        return Err(call.fault(0, "an IPv6 network has no netmask"));
    }
    call.string(network.show_address(ones(32) ^ network.span()))
}

/// The length of a longer prefix.
fn longer(call: &Call<'_, '_>, network: &Network, index: usize, least: i128) -> Result<u8, Fault> {
    let bits = call.integer(index)?;
    let room = network.width - network.prefix;
    match u8::try_from(bits) {
        Ok(bits) if i128::from(bits) >= least && bits <= room => Ok(network.prefix + bits),
        _ => {
            let message = format!(
                "a prefix of /{} cannot become longer by {bits} bits",
                network.prefix
            );
            let help = format!("there is room for {least} to {room}");
            Err(call.fault_with(index, message, help))
        }
    }
}

fn cidrsubnet(call: &mut Call<'_, '_>) -> Outcome {
    let network = parse(call)?;
    let prefix = longer(call, &network, 1, 0)?;
    let number = call.integer(2)?;
    let last = ones(prefix - network.prefix);
    match u128::try_from(number).ok().filter(|number| *number <= last) {
        Some(number) => {
            // A shift by all bits is of nothing but zero.
            let offset = number.checked_shl(u32::from(network.width - prefix)).unwrap_or(0);
            call.string(format!(
                "{}/{prefix}",
                network.show_address(network.base + offset)
            ))
        }
        None => {
            let message = format!(
                "{} more bits make networks numbered 0 to {last}",
                prefix - network.prefix
            );
            Err(call.fault(2, message))
        }
    }
}

fn cidrsubnets(call: &mut Call<'_, '_>) -> Outcome {
    let network = parse(call)?;
    let mut networks = Vec::new();
    // The first address that is still free; none behind the last of all.
    let mut free = Some(network.base);
    for index in 1..call.len() {
        let prefix = longer(call, &network, index, 1)?;
        let size = ones(network.width - prefix);
        let begin = free.and_then(|free| Some(free.checked_add(size)? & !size));
        let end = network.base + network.span();
        let Some(begin) = begin.filter(|begin| begin.checked_add(size).is_some_and(|last| last <= end))
        else {
            let message = format!("there is no room left for a network of prefix /{prefix}");
            return Err(call.fault(index, message));
        };
        let text = format!("{}/{prefix}", network.show_address(begin));
        networks.push(Value::string(&text, call.span));
        free = begin.checked_add(size).and_then(|last| last.checked_add(1));
    }
    call.list(networks)
}
