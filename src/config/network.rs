//! `allowed_ips`: networks, exact and canonical.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::arguments::{Arguments, wrong_type};
use super::context::Context;
use super::value::Kind;
use crate::diag::{Diagnostic, Span, quote};

/// Takes `allowed_ips`. A network that is given twice counts once, at its first place.
pub(super) fn decode(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<BTreeMap<IpNet, Span>> {
    let items = arguments.list(context, "allowed_ips")?;
    let mut networks = BTreeMap::new();
    for item in items {
        let Kind::String(text) = &item.kind else {
            wrong_type(
                context,
                "`allowed_ips`",
                "a string such as \"203.0.113.7/32\"",
                &item,
            );
            arguments.invalid.insert("allowed_ips");
            continue;
        };
        match parse(text) {
            Ok(network) => {
                networks.entry(network).or_insert(item.span);
            }
            Err(refusal) => {
                arguments.refuse::<()>(context, "allowed_ips", refusal.at(item.span));
            }
        }
    }
    Some(networks)
}

/// A network in exact notation, whatever bits are set beyond its prefix.
pub(super) fn parse_any(text: &str) -> Result<IpNet, Box<Diagnostic>> {
    // `ipnet` reads 010.0.0.1 as 10.0.0.1, others as 8.0.0.1; the standard library refuses it.
    let is_exact = text.split_once('/').is_some_and(|(address, prefix)| {
        address.parse::<IpAddr>().is_ok() && (prefix == "0" || !prefix.starts_with('0'))
    });
    text.parse::<IpNet>()
        .ok()
        .filter(|_| is_exact)
        .ok_or_else(|| Box::new(not_a_network(text)))
}

fn parse(text: &str) -> Result<IpNet, Box<Diagnostic>> {
    let network = parse_any(text)?;
    if network.addr() != network.network() {
        let message = format!("{} has bits set beyond its prefix", quote(text));
        let help = format!("did you mean \"{}\"?", network.trunc());
        return Err(Box::new(Diagnostic::error("cidr_host_bits", message).help(help)));
    }
    if let IpNet::V6(inner) = network
        && let Some(address) = inner.network().to_ipv4_mapped()
    {
        let message = format!("{} is an IPv4 network in IPv6 notation", quote(text));
        let plain = inner
            .prefix_len()
            .checked_sub(96)
            .and_then(|prefix| Ipv4Net::new(address, prefix).ok());
        let mut refusal = Diagnostic::error("cidr_ipv4_mapped", message);
        refusal.help =
            plain.map(|plain| format!("IAM sees IPv4 callers by their IPv4 address: write \"{plain}\""));
        return Err(Box::new(refusal));
    }
    Ok(network)
}

fn not_a_network(text: &str) -> Diagnostic {
    let message = format!("{} is no network in CIDR notation", quote(text));
    let parts = text.split_once('/');
    let address = parts.and_then(|(address, _)| address.parse::<IpAddr>().ok());
    let mask = parts.and_then(|(_, mask)| mask.parse::<IpAddr>().ok());
    let masked = address
        .zip(mask)
        .and_then(|(address, mask)| IpNet::with_netmask(address, mask).ok());
    let is_name = text.contains('.') && text.contains(|c: char| c.is_ascii_alphabetic());
    let help = match (text.parse::<IpAddr>(), text.trim().parse::<IpNet>()) {
        (Ok(IpAddr::V4(address)), _) => format!("for this one address: \"{address}/32\""),
        (Ok(IpAddr::V6(address)), _) => format!("for this one address: \"{address}/128\""),
        (_, Ok(network)) if text.trim() != text => format!("without the blanks: \"{network}\""),
        (_, Ok(_)) => "write the numbers without leading zeros".to_owned(),
        _ if masked.is_some() => {
            let network = masked.map(|network| network.trunc().to_string());
            format!(
                "with the length of its prefix: \"{}\"",
                network.unwrap_or_default()
            )
        }
        _ if address.is_some_and(|address| address.is_ipv4()) => {
            "a prefix of IPv4 is at most 32 long".to_owned()
        }
        _ if address.is_some() => "a prefix of IPv6 is at most 128 long".to_owned(),
        _ if text.contains('-') && !is_name => {
            "a range is written as the networks that it consists of".to_owned()
        }
        _ if is_name => {
            "IAM compares addresses, not names: write the addresses that the name stands for".to_owned()
        }
        _ => "such as \"203.0.113.7/32\" or \"2001:db8::/48\"".to_owned(),
    };
    Diagnostic::error("cidr_invalid", message).help(help)
}
