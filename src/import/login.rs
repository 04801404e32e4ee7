//! How a tenant gets in: through an IAM role, or by a password.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::gates::Trust;
use super::tenants::Candidate;
use crate::address::TenantId;
use crate::config::Naming;
use crate::desired::naming::fill;

/// What stands in the place of networks that nobody knows: a range that nobody has (RFC 5737).
const NOWHERE: &str = "192.0.2.0/24";

/// How a tenant gets in.
pub(super) struct Entry {
    pub networks: BTreeSet<IpNet>,
    pub suspended: bool,
}

/// Why not, where no file can say it.
pub(super) fn login(
    candidate: &Candidate<'_>,
    naming: &Naming,
    id: &TenantId,
    notes: &mut Vec<String>,
) -> Result<Entry, String> {
    let role = fill(&naming.iam_role, id.as_str(), "");
    if !candidate.by_iam {
        if let Some(gate) = candidate.gates.first() {
            notes.push(format!(
                "IAM role \"{}\" may log in as it, but it is no member of rds_iam: it logs in by password",
                gate.iam_role
            ));
        }
        return Ok(Entry {
            networks: BTreeSet::new(),
            suspended: !candidate.role.login,
        });
    }
    let by_name = candidate.gates.iter().find(|gate| gate.iam_role == role);
    let gate = match (by_name, candidate.gates.first()) {
        (Some(gate), _) => gate,
        (None, Some(gate)) => {
            return Err(format!(
                "its IAM role is \"{}\", where the pattern makes \"{role}\"",
                gate.iam_role
            ));
        }
        (None, None) if candidate.id.is_some() && !candidate.role.login => {
            return Err(format!(
                "tenant \"{id}\" left the file; what is kept of it is kept"
            ));
        }
        (None, None) => {
            return Err("it logs in by IAM, but no IAM role of this account may log in as it alone".into());
        }
    };
    let others = candidate.gates.iter().filter(|other| other.iam_role != role);
    notes.extend(others.map(|other| format!("IAM role \"{}\" may log in as it too", other.iam_role)));
    let expected = fill(&naming.iam_user, id.as_str(), "");
    let user = match &gate.trust {
        Trust::Other(because) => return Err(format!("IAM role \"{role}\": {because}")),
        Trust::User { user, .. } | Trust::Anywhere { user } | Trust::Denied { user } => user,
    };
    if *user != expected {
        return Err(format!(
            "its IAM user is \"{user}\", where the pattern makes \"{expected}\""
        ));
    }
    let world = || ["0.0.0.0/0", "::/0"].iter().filter_map(|text| text.parse().ok());
    let networks = match &gate.trust {
        Trust::User { networks, exact, .. } => {
            if !exact {
                notes.push(format!(
                    "the trust policy of IAM role \"{role}\" says more than allowed_ips can"
                ));
            }
            networks.clone()
        }
        Trust::Anywhere { .. } => {
            notes.push(format!(
                "the trust policy of IAM role \"{role}\" asks for no address"
            ));
            world().collect()
        }
        _ => {
            notes.push(format!(
                "suspended: from where it may come in is not known, and {NOWHERE} is nobody's. Put the real networks in \
                 before it is active again"
            ));
            NOWHERE.parse().into_iter().collect()
        }
    };
    let suspended = matches!(gate.trust, Trust::Denied { .. });
    if !candidate.role.login && !suspended {
        notes.push("its login role cannot log in (NOLOGIN)".into());
    }
    Ok(Entry {
        networks,
        suspended: suspended || !candidate.role.login,
    })
}
