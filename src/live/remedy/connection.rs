//! Connections to Postgres that failed before the server said anything.

use std::error::Error;
use std::io::ErrorKind;

use super::Remedy;

pub(super) const TABLE: &[Remedy] = &[
    Remedy {
        code: "host_unknown",
        of: &["dns"],
        says: "",
        cause: "the name of the host means nothing here: it is misspelled, or its DNS zone is visible inside the VPC only",
        help: "Check `endpoint`, or run this where the name resolves: inside the VPC, or over its VPN",
    },
    Remedy {
        code: "connection_refused",
        of: &["refused"],
        says: "",
        cause: "the host answers, and nothing listens on this port: the tunnel is not open, or the port is another one",
        help: "Open the tunnel that `endpoint` names, or correct its port",
    },
    Remedy {
        code: "connection_timeout",
        of: &["timeout"],
        says: "",
        cause: "nothing answered: a security group, a route or a firewall drops the packets, or a paused cluster takes \
                longer than a minute to wake",
        help: "Allow this machine's address in the security group of the cluster, or set `endpoint` to a tunnel that is \
               open; where the cluster was paused, run this again",
    },
    Remedy {
        code: "network_unreachable",
        of: &["unreachable"],
        says: "",
        cause: "this machine has no route to the host",
        help: "Connect to the network of the cluster, or set `endpoint` to a tunnel that is open",
    },
    Remedy {
        code: "tls_unknown_authority",
        of: &["tls_unknown_ca"],
        says: "",
        cause: "the server's certificate was signed by an authority that is neither among the roots of RDS nor among \
                those of this system: a self-signed server, a proxy in between, or somebody in the middle",
        help: "Set `sslrootcert` to a PEM file with the authority of this server; `sslmode = \"require\"` gives up \
               knowing who answers",
    },
    Remedy {
        code: "tls_wrong_name",
        of: &["tls_name"],
        says: "",
        cause: "the server's certificate is for another name than the one that was connected to, and not for the \
                cluster's own endpoint either",
        help: "Set `endpoint` to a name that the certificate bears, or use `sslmode = \"verify-ca\"`, which asks for the \
               authority alone",
    },
    Remedy {
        code: "tls_certificate_expired",
        of: &["tls_expired"],
        says: "",
        cause: "the server's certificate is no longer, or not yet, valid; or this machine's clock is wrong",
        help: "Check the clock; on RDS, rotate the certificate: aws rds modify-db-instance --ca-certificate-identifier",
    },
    Remedy {
        code: "tls_not_offered",
        of: &["tls_not_offered"],
        says: "",
        cause: "the server speaks no TLS, or something else than Postgres answers",
        help: "Turn TLS on at the server; `sslmode = \"disable\"` only where nobody else is on the network in between",
    },
    Remedy {
        code: "tls_failed",
        of: &["tls"],
        says: "",
        cause: "client and server could not agree on a TLS connection",
        help: "Set `sslrootcert` to the authority of this server, and see that it speaks TLS 1.2 or later",
    },
    Remedy {
        code: "connection_lost",
        of: &["lost"],
        says: "",
        cause: "the connection ended in the middle: the server was restarted, failed over or ran out of memory, or the \
                network or a tunnel broke",
        help: "Run this again once the server is there: what is done stays done",
    },
];

/// What happened, in one of the words of the table.
pub(super) fn word(error: &tokio_postgres::Error) -> &'static str {
    let text = super::super::describe(error);
    let tls = [
        ("UnknownIssuer", "tls_unknown_ca"),
        ("NotValidForName", "tls_name"),
        ("not valid for name", "tls_name"),
        ("certificate expired", "tls_expired"),
        ("Expired", "tls_expired"),
        ("NotValidYet", "tls_expired"),
        ("server does not support TLS", "tls_not_offered"),
        ("invalid peer certificate", "tls"),
        ("TLS handshake", "tls"),
    ];
    if let Some((_, word)) = tls.iter().find(|(part, _)| text.contains(part)) {
        return word;
    }
    // The standard library has no kind for what the resolver says.
    if text.contains("failed to lookup address") || text.contains("no addresses") {
        return "dns";
    }
    let mut causes =
        std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source());
    match causes
        .find_map(|cause| cause.downcast_ref::<std::io::Error>())
        .map(std::io::Error::kind)
    {
        Some(ErrorKind::ConnectionRefused) => "refused",
        Some(ErrorKind::TimedOut) => "timeout",
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => "unreachable",
        _ if text.contains("timed out") => "timeout",
        _ => "lost",
    }
}
