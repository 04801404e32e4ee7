//! From where a tenant may come in: networks and the policy that holds them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::names::IAM_CHARACTERS;
use crate::config::{Config, Isolation, Tenant};
use crate::desired::access::IAM_PATH;
use crate::desired::naming::compose;
use crate::diag::{Diagnostic, Span, quote};
use crate::model::PolicyDocument;
use crate::model::policy::user_arn;

/// Characters of a trust policy by IAM's default quota, whitespace not counted.
pub const TRUST_POLICY_SIZE: usize = 2048;

/// Networks that fit into it whatever they are: each has at most 46 characters in a list, and the rest of it 400.
const FEW: usize = 16;

/// Ranges that `aws:SourceIp` never sees: STS is reached from public addresses.
static PRIVATE: [(IpNet, &str); 9] = [
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([100, 64, 0, 0], 10), "shared by carriers (CGNAT)"),
    (v4([169, 254, 0, 0], 16), "link-local"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), "private (ULA)"),
    (v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), "link-local"),
    (v6(Ipv6Addr::LOCALHOST, 128), "loopback"),
];

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits))
}

const fn v6(address: Ipv6Addr, bits: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(address, bits))
}

/// Checks how one tenant is reached.
pub(super) fn check(config: &Config, tenant: &Tenant, findings: &mut Vec<Diagnostic>) {
    let is_valid = |argument| !tenant.source.invalid.contains(argument);
    if tenant.databases.is_empty() && is_valid("databases") && tenant.isolation.value == Isolation::Database {
        let message = format!("tenant {} has no databases", quote(tenant.id.as_str()));
        findings.push(
            Diagnostic::warning("no_databases", message)
                .at(argument(tenant, "databases"))
                .help("add: databases = [\"db1\"]"),
        );
    }
    if !is_valid("rds_iam_auth") {
        return;
    }
    if !tenant.rds_iam_auth {
        findings.extend(not_enforced(tenant));
        return;
    }
    if tenant.allowed_ips.is_empty() {
        if is_valid("allowed_ips") {
            findings.push(no_networks(tenant));
        }
        return;
    }
    for network in &tenant.allowed_ips {
        let span = tenant.source.allowed_ips.get(network).copied();
        findings.extend(wide_or_private(tenant, network, span.unwrap_or(tenant.span)));
    }
    findings.extend(wide_together(tenant));
    findings.extend(policy_too_large(config, tenant));
}

fn argument(tenant: &Tenant, name: &str) -> Span {
    tenant.source.arguments.get(name).copied().unwrap_or(tenant.span)
}

fn not_enforced(tenant: &Tenant) -> Option<Diagnostic> {
    if tenant.allowed_ips.is_empty() {
        return None;
    }
    let message = format!(
        "nothing enforces `allowed_ips` of tenant {}: it logs in by password",
        quote(tenant.id.as_str())
    );
    let help =
        "Aurora has no pg_hba.conf: set rds_iam_auth = true, or restrict the addresses by security group";
    Some(
        Diagnostic::warning("address_not_enforced", message)
            .at(argument(tenant, "allowed_ips"))
            .help(help),
    )
}

fn no_networks(tenant: &Tenant) -> Diagnostic {
    let message = format!(
        "tenant {} logs in by IAM and has no `allowed_ips`: nobody could assume its role",
        quote(tenant.id.as_str())
    );
    Diagnostic::error("no_allowed_ips", message)
        .at(argument(tenant, "allowed_ips"))
        .help("add: allowed_ips = [\"203.0.113.7/32\"]")
}

fn wide_or_private(tenant: &Tenant, network: &IpNet, span: Span) -> Option<Diagnostic> {
    let id = || quote(tenant.id.as_str());
    if network.prefix_len() == 0 {
        return Some(
            Diagnostic::warning(
                "open_to_world",
                format!("tenant {} may come from any address: {network}", id()),
            )
            .at(span),
        );
    }
    let (_, kind) = PRIVATE.iter().find(|(range, _)| range.contains(network))?;
    Some(
        Diagnostic::warning(
            "private_network",
            format!(
                "{network} of tenant {} is {kind}: it never matches aws:SourceIp",
                id()
            ),
        )
        .at(span)
        .help("name the public addresses, such as those of the NAT gateway"),
    )
}

/// Halves that make up a whole.
fn wide_together(tenant: &Tenant) -> Option<Diagnostic> {
    if tenant.allowed_ips.len() < 2 {
        return None;
    }
    let networks: Vec<IpNet> = tenant.allowed_ips.iter().copied().collect();
    let is_wide = |network: &&IpNet| network.prefix_len() == 0;
    let whole = IpNet::aggregate(&networks);
    let whole = whole
        .iter()
        .find(|whole| is_wide(whole) && !networks.contains(whole))?;
    let message = format!(
        "tenant {} may come from any address: its networks make up {whole}",
        quote(tenant.id.as_str())
    );
    Some(Diagnostic::warning("open_to_world", message).at(argument(tenant, "allowed_ips")))
}

/// The size of the trust policy of an IAM role as IAM counts it.
///
/// The account is not known before any connection, but each one has twelve digits.
pub fn trust_policy_size<'a>(
    partition: &str,
    iam_user: &str,
    networks: impl IntoIterator<Item = &'a IpNet>,
) -> usize {
    let user = user_arn(partition, "123456789012", IAM_PATH, iam_user);
    let networks = networks.into_iter().copied().collect();
    PolicyDocument::trust(&user, &networks).size()
}

fn policy_too_large(config: &Config, tenant: &Tenant) -> Option<Diagnostic> {
    let region = config
        .cluster_of(tenant)
        .and_then(|cluster| cluster.region.as_deref());
    let partition = partition(region.unwrap_or_default());
    let names = compose(&config.naming, tenant);
    // So few never are, and nearly every tenant has no more: its policy is not made to be counted.
    if tenant.allowed_ips.len() <= FEW && names.iam_user.len() <= IAM_CHARACTERS {
        return None;
    }
    let size_of = |networks: &BTreeSet<IpNet>, count: usize| {
        trust_policy_size(partition, &names.iam_user, networks.iter().take(count))
    };
    let all = &tenant.allowed_ips;
    let size = size_of(all, all.len());
    if size <= TRUST_POLICY_SIZE {
        return None;
    }
    // The size grows with the count, and the count that fits is near a hundred.
    let fitting = (0..all.len())
        .take_while(|count| size_of(all, *count) <= TRUST_POLICY_SIZE)
        .last()
        .unwrap_or_default();
    let message = format!(
        "the trust policy of tenant {} has {size} characters, IAM allows {TRUST_POLICY_SIZE}: {fitting} of its {} networks fit",
        quote(tenant.id.as_str()),
        all.len()
    );
    let mut finding =
        Diagnostic::error("trust_policy_too_large", message).at(argument(tenant, "allowed_ips"));
    let merged = IpNet::aggregate(&all.iter().copied().collect::<Vec<_>>()).len();
    if merged < all.len() {
        finding = finding.help(format!(
            "neighbouring networks can be merged: {merged} would be left"
        ));
    }
    Some(finding)
}

fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
