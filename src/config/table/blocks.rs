//! The table itself.

use super::{Argument, Block, Form, row};

/// The blocks of the top level.
pub const BLOCKS: [&Block; 8] = [
    &TENANTCTL, &CLUSTER, &TENANT, &DEFAULTS, &NAMING, &MOVED, &VARIABLE, &LOCALS,
];

/// The `tenantctl` block.
pub const TENANTCTL: Block = Block {
    name: "tenantctl",
    has_label: false,
    arguments: &[row(
        "workspace",
        Form::Text,
        Some("`\"default\"`"),
        "\"prod\"",
        "The mark on everything that belongs to this configuration. Two configurations on one cluster or in one AWS account \
         need different ones. 1 to 63 letters, digits, `.`, `_`, `-`.",
    )],
};

/// The `cluster` block.
pub const CLUSTER: Block = Block {
    name: "cluster",
    has_label: true,
    arguments: &[
        row(
            "identifier",
            Form::Text,
            None,
            "\"prod-tenants\"",
            "The RDS cluster identifier. The endpoint and the resource id are looked up by it. No ARN and no host name. The \
             cluster has to have IAM database authentication enabled if a tenant logs in by IAM; `plan` says so if not.",
        ),
        row(
            "engine",
            Form::Words(&["aurora", "postgres"]),
            Some("`\"aurora\"`"),
            "\"aurora\"",
            "`\"aurora\"`. `\"postgres\"` is refused until it is built.",
        ),
        row(
            "region",
            Form::Text,
            Some("that of the AWS environment"),
            "\"eu-central-1\"",
            "The AWS region, such as `\"eu-central-1\"`.",
        ),
        row(
            "endpoint",
            Form::Text,
            Some("looked up"),
            "\"127.0.0.1:5432\"",
            "`\"HOST:PORT\"` to connect to instead, for a tunnel or a bastion. An IPv6 address stands in brackets: \
             `\"[::1]:5432\"`.",
        ),
        row(
            "sslmode",
            Form::Words(&["disable", "require", "verify-ca", "verify-full"]),
            Some("`\"verify-full\"`"),
            "\"verify-full\"",
            "`\"disable\"`, `\"require\"`, `\"verify-ca\"` or `\"verify-full\"`, as in libpq. The modes that fall back to \
             clear text do not exist here.",
        ),
        row(
            "sslrootcert",
            Form::Text,
            Some("the system's roots and the RDS bundle"),
            "\"rds.pem\"",
            "A PEM file of roots that replaces them. An absolute path, or one relative to the configuration directory.",
        ),
        row(
            "shared_databases",
            Form::Words(&["close", "warn", "leave"]),
            Some("`\"close\"`"),
            "\"close\"",
            "What PUBLIC may do on databases that belong to no tenant. `\"close\"`: PUBLIC loses CONNECT and TEMPORARY, and \
             roles that are not tenants keep theirs. `\"warn\"`: only a warning. `\"leave\"`: nothing.",
        ),
        row(
            "readers",
            Form::Texts,
            Some("`[]`"),
            "[\"ci_plan\"]",
            "Login roles that may [plan and nothing else](ci.md#a-login-that-can-only-plan), at most 16. People make them.",
        ),
        row(
            "admin",
            Form::Nested(&ADMIN),
            Some("the master user, by password"),
            "{ auth = \"iam\" }",
            "How `tenantctl` connects: see below.",
        ),
    ],
};

/// The `admin` block within `cluster`.
pub const ADMIN: Block = Block {
    name: "admin",
    has_label: false,
    arguments: &[
        row(
            "username",
            Form::Text,
            Some("the cluster's master user"),
            "\"postgres\"",
            "The login role.",
        ),
        row(
            "database",
            Form::Text,
            Some("`\"postgres\"`"),
            "\"postgres\"",
            "The database to connect to, where `tenantctl` keeps its ledger.",
        ),
        row(
            "auth",
            Form::Words(&["password", "iam", "secret"]),
            Some("`\"password\"`"),
            "\"password\"",
            "`\"password\"`: from `TENANTCTL_PASSWORD_<CLUSTER>` or `PGPASSWORD`. `\"iam\"`: a token of the caller's AWS \
             identity. `\"secret\"`: the cluster's master secret in Secrets Manager.",
        ),
    ],
};

/// What a tenant is given: by its block, its list entry or the defaults.
const OF_TENANTS: &[Argument] = &[
    row(
        "cluster",
        Form::Text,
        Some("the only cluster there is"),
        "\"main\"",
        "The name of the cluster that the tenant is on. Required where the file has [more than one](clusters.md). Another name \
         moves nothing: the tenant is held until it is where its data is.",
    ),
    row(
        "isolation",
        Form::Words(&["database", "schema", "row", "cluster"]),
        Some("`\"database\"`"),
        "\"database\"",
        "How the tenant is kept apart: a database each. `\"schema\"`, `\"row\"` and `\"cluster\"` are refused until they are \
         built.",
    ),
    row(
        "databases",
        Form::Switches,
        Some("none"),
        "{ db1 = true, db2 = false }",
        "`{ db1 = true, db2 = false }` or `[\"db1\"]`. A database that is `false` is not wanted: an existing one is retained \
         and closed to the tenant.",
    ),
    row(
        "allowed_ips",
        Form::Texts,
        Some("none"),
        "[\"203.0.113.7/32\"]",
        "The networks from which the tenant may assume its IAM role, in CIDR notation. Required with `rds_iam_auth = true`. A \
         network that is given twice counts once.",
    ),
    row(
        "rds_iam_auth",
        Form::Bool,
        Some("`true`"),
        "true",
        "`true`: the tenant logs in by IAM token. `false`: by password.",
    ),
    row(
        "connection_limit",
        Form::Number,
        Some("not managed"),
        "20",
        "Connections of the login role at a time; `-1` for no limit.",
    ),
    row(
        "settings",
        Form::Scalars,
        Some("none"),
        "{ statement_timeout = \"30s\" }",
        "Parameters of the login role: `{ statement_timeout = \"30s\" }`. Values are strings, numbers or bools. Names have no \
         case; those with a dot, such as `\"app.tenant\"`, are in quotes.",
    ),
    row(
        "extensions",
        Form::Texts,
        Some("none"),
        "[\"pg_trgm\"]",
        "Extensions that the admin installs in each of the tenant's databases.",
    ),
    row(
        "state",
        Form::Words(&["active", "suspended"]),
        Some("`\"active\"`"),
        "\"active\"",
        "`\"suspended\"` cuts the access and keeps every object.",
    ),
    row(
        "deletion_policy",
        Form::Words(&["retain", "delete"]),
        Some("`\"retain\"`"),
        "\"retain\"",
        "What happens to the data when the tenant leaves the file: `\"retain\"` or `\"delete\"`.",
    ),
    row(
        "handover",
        Form::Nested(&HANDOVER),
        Some("none"),
        "{ recipient = \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\" }",
        "`handover { recipient = \"..\" }`: to whom the tenant's secrets are encrypted. Without it no secret is made.",
    ),
];

/// The `tenant` block.
pub const TENANT: Block = Block {
    name: "tenant",
    has_label: true,
    arguments: OF_TENANTS,
};

/// The `defaults` block.
pub const DEFAULTS: Block = Block {
    name: "defaults",
    has_label: false,
    arguments: OF_TENANTS,
};

/// What a tenant block with `for_each` has besides.
pub const FOR_EACH: Block = Block {
    name: "for_each",
    has_label: false,
    arguments: &[
        row(
            "for_each",
            Form::Elements,
            None,
            "toset([\"client01\", \"client02\"])",
            "A set of strings, or an object: one tenant for each element.",
        ),
        row(
            "name",
            Form::Text,
            Some("`each.key`"),
            "\"acme-${each.key}\"",
            "The tenant's name.",
        ),
    ],
};

/// The `handover` block within `tenant`.
pub const HANDOVER: Block = Block {
    name: "handover",
    has_label: false,
    arguments: &[row(
        "recipient",
        Form::Text,
        None,
        "\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"",
        "An age recipient `age1...`, or a public key `ssh-ed25519 ...` or `ssh-rsa ...`.",
    )],
};

/// The `naming` block.
pub const NAMING: Block = Block {
    name: "naming",
    has_label: false,
    arguments: &[
        row(
            "database",
            Form::Template,
            Some("`\"${tenant}_${database}\"`"),
            "\"${tenant}_${database}\"",
            "A database of a tenant.",
        ),
        row(
            "role",
            Form::Template,
            Some("`\"${tenant}\"`"),
            "\"${tenant}\"",
            "The login role.",
        ),
        row(
            "iam_user",
            Form::Template,
            Some("`\"${tenant}\"`"),
            "\"${tenant}\"",
            "The IAM user.",
        ),
        row(
            "iam_role",
            Form::Template,
            Some("`\"rds_cluster_${tenant}\"`"),
            "\"rds_cluster_${tenant}\"",
            "The IAM role.",
        ),
    ],
};

/// The `moved` block.
pub const MOVED: Block = Block {
    name: "moved",
    has_label: false,
    arguments: &[
        row(
            "from",
            Form::Text,
            None,
            "\"tenant.client01\"",
            "The tenant's old address, `tenant.NAME`, which is in the file no more.",
        ),
        row(
            "to",
            Form::Text,
            None,
            "\"tenant.acme\"",
            "Its new one, which is.",
        ),
    ],
};

/// The `variable` block.
pub const VARIABLE: Block = Block {
    name: "variable",
    has_label: true,
    arguments: &[
        row(
            "default",
            Form::Any,
            Some("none"),
            "[\"203.0.113.0/24\"]",
            "The value where nobody passes one.",
        ),
        row(
            "type",
            Form::Type,
            Some("by the default"),
            "list(string)",
            "What values become, as in Terraform: `list(..)`, `map(..)`, `object({..})` with `optional(TYPE, DEFAULT)`, and so on. \
             `string`: the text of `--var` is taken as it stands. Anything else: it is read as an expression.",
        ),
        row(
            "description",
            Form::Text,
            Some("none"),
            "\"Office networks\"",
            "No effect.",
        ),
        row("sensitive", Form::Bool, Some("none"), "false", "No effect."),
        row(
            "nullable",
            Form::Bool,
            Some("`true`"),
            "false",
            "`false` refuses `null`.",
        ),
    ],
};

/// The `locals` block: its arguments are names of the file's own.
pub const LOCALS: Block = Block {
    name: "locals",
    has_label: false,
    arguments: &[],
};
