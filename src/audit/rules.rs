//! What an audit looks for: one table, which `docs/audit.md` shows.

use super::Severity;

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in every output, which does not change.
    pub id: &'static str,
    /// How bad it is, unless a finding says otherwise.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// What was found.
    pub meaning: &'static str,
    /// What can come of it.
    pub risk: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! rules {
    ($($name:ident: $id:literal, $severity:ident, $title:literal, $meaning:literal, $risk:literal, $remedy:literal;)+) => {
        $(pub(super) static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            meaning: $meaning,
            risk: $risk,
            remedy: $remedy,
        };)+

        /// Every rule.
        pub static RULES: &[&Rule] = &[$(&$name),+];
    };
}

rules! {
    CROSS_TENANT_CONNECT: "cross-tenant-connect", Critical, "A tenant can connect to another tenant's database",
        "A tenant's role holds CONNECT on another tenant's database, by a grant of its own, by a role it inherits \
         from, or by owning the database.",
        "It can log in there, and see and use whatever PUBLIC or that role may.",
        "Revoke the grant or the membership at the end of the path; `tenantctl apply` does so for grants on \
         databases that are ours.";
    CROSS_TENANT_POSSIBLE: "cross-tenant-possible", Critical, "A tenant can give itself access to another tenant's database",
        "A tenant's role does not hold CONNECT there, but may become (SET ROLE) or administer (ADMIN OPTION) a \
         role that holds it or may grant it.",
        "One statement, and it is in. Nothing in a list of grants shows it.",
        "Revoke the membership that begins the path.";
    PUBLIC_CONNECT: "public-connect", Critical, "Everybody can connect to a tenant's database",
        "PUBLIC holds CONNECT: every login role of the cluster, those of all other tenants included.",
        "Every tenant can log in there. Postgres grants this to every new database by itself.",
        "REVOKE CONNECT ON DATABASE .. FROM PUBLIC; `tenantctl apply` does it.";
    PUBLIC_PRIVILEGE: "public-privilege", Low, "PUBLIC holds something on a tenant's database",
        "PUBLIC may create temporary tables or schemas there, without CONNECT.",
        "Whoever gets in by another way may do more than its own grants say.",
        "REVOKE ALL ON DATABASE .. FROM PUBLIC; `tenantctl apply` does it.";
    SHARED_DATABASE_OPEN: "shared-database-open", Medium, "Tenants can connect to a database that is not a tenant's",
        "PUBLIC, a tenant's role, or a role that tenants inherit from holds CONNECT on a database that belongs to \
         no tenant.",
        "Tenants meet there: what is granted to PUBLIC inside is everybody's, and large objects, advisory locks \
         and NOTIFY are shared.",
        "REVOKE CONNECT; `shared_databases = \"close\"` in the cluster block does it for PUBLIC.";
    UNWANTED_DATABASE_OPEN: "unwanted-database-open", Medium, "A tenant can connect to a database that it should have no longer",
        "The file does not ask for this database for the tenant any more, and the tenant's role still reaches it.",
        "Data that was taken from a tenant is still in its reach.",
        "`tenantctl apply` closes it.";
    DATABASE_OWNED: "database-owned-by-tenant", High, "A tenant owns a database",
        "A tenant's role, or a role it may become, owns its own database or a shared one.",
        "An owner can open its database to anybody, change its settings and drop it, whatever the grants say.",
        "ALTER DATABASE .. OWNER TO the admin.";
    GRANT_OPTION: "grant-option", Medium, "A tenant may pass a privilege on",
        "A tenant's role holds a privilege on a database, schema or server WITH GRANT OPTION.",
        "It can let other roles in, under its own name, and a REVOKE by the owner does not take that back.",
        "REVOKE GRANT OPTION FOR .. FROM the role, CASCADE.";
    PRIVILEGE_BEYOND: "privilege-beyond-declared", Medium, "A tenant holds more on a database than declared",
        "A tenant's role holds CREATE on its own database, where CONNECT and TEMPORARY are declared, or something \
         other than CONNECT on a database that is not its own.",
        "CREATE lets it install trusted extensions and make schemas that no file knows.",
        "REVOKE it FROM the role; `tenantctl apply` does so on databases that are ours.";
    DATABASE_IS_TEMPLATE: "database-is-template", Medium, "A tenant's database is a template",
        "`datistemplate` is set on a tenant's database.",
        "Every role with CREATEDB may copy it, data included, without a right to connect to it.",
        "ALTER DATABASE .. IS_TEMPLATE false.";
    LOGIN_REACHES_TENANT: "login-reaches-tenant", Medium, "A login role that is no tenant's reaches tenants' databases",
        "A role that may log in, and is neither a tenant's, the admin nor a superuser, reaches databases of \
         tenants.",
        "Nobody declared it. Its credentials open what tenants believe to be theirs alone.",
        "Revoke the grant or the membership; keep it if it is yours, for example for backups.";
    TENANT_SUPERUSER: "tenant-superuser", Critical, "A tenant is a superuser",
        "A tenant's role has SUPERUSER, or may become a role that has it.",
        "No grant and no policy holds it anywhere.",
        "ALTER ROLE .. NOSUPERUSER, or revoke the membership.";
    TENANT_CREATEROLE: "tenant-createrole", Critical, "A tenant may create and change roles",
        "A tenant's role has CREATEROLE, or may become a role that has it.",
        "Before Postgres 16 it can grant itself any role but a superuser; from 16 on every role that it \
         administers, and it makes logins that no file knows.",
        "ALTER ROLE .. NOCREATEROLE, or revoke the membership.";
    TENANT_CREATEDB: "tenant-createdb", Medium, "A tenant may create databases",
        "A tenant's role has CREATEDB, or may become a role that has it.",
        "It owns what it creates, copies every template, and fills the disk that all share.",
        "ALTER ROLE .. NOCREATEDB, or revoke the membership.";
    TENANT_REPLICATION: "tenant-replication", Critical, "A tenant may replicate",
        "A tenant's role has REPLICATION, or may become a role that has it.",
        "A replication connection streams the whole cluster, every tenant's data included.",
        "ALTER ROLE .. NOREPLICATION, or revoke the membership.";
    TENANT_BYPASSRLS: "tenant-bypassrls", Medium, "A tenant passes row-level security by",
        "A tenant's role has BYPASSRLS, or may become a role that has it.",
        "Policies on tables that it may read do not hold for it.",
        "ALTER ROLE .. NOBYPASSRLS, or revoke the membership.";
    POWERFUL_MEMBERSHIP: "powerful-membership", High, "A tenant is a member of a powerful role",
        "A tenant's role is a member, directly or not, of a predefined role of Postgres or of RDS. The severity \
         is that of the role.",
        "`pg_read_all_data` reads every table of a database that it is in; `pg_execute_server_program` and its \
         kin leave the database; `rds_superuser` may grant all of them; `pg_monitor` shows the statements of \
         others.",
        "REVOKE the membership that begins the path.";
    MEMBERSHIP_BEYOND: "membership-beyond-declared", Medium, "A tenant is a member of a role that nobody declared",
        "A tenant's role is a member of a role, or holds ADMIN OPTION on one, beyond what the file asks for.",
        "Whatever that role is granted later is the tenant's too.",
        "REVOKE the role; `tenantctl apply` does it where it may.";
    IAM_LOGIN_MISSING: "iam-login-missing", Medium, "A tenant that should log in by IAM need not",
        "The file says `rds_iam_auth = true`, and the role is no member of `rds_iam`.",
        "RDS asks it for a password, so neither the trust policy nor its addresses gate its logins.",
        "`tenantctl apply` grants `rds_iam`.";
    IAM_LOGIN_UNDECLARED: "iam-login-undeclared", Medium, "A tenant that logs in by password is a member of rds_iam",
        "The file says `rds_iam_auth = false`, and the role reaches `rds_iam`.",
        "RDS refuses its password, and whoever may `rds-db:connect` as it needs none.",
        "REVOKE the membership that begins the path.";
    IAM_BESIDE_PASSWORD: "iam-beside-password", Medium, "A tenant that logs in by IAM has a password",
        "The ledger knows that the role was given a password, and it is a member of `rds_iam`.",
        "RDS ignores the password only as long as the membership lasts; the password works again the moment it \
         goes.",
        "ALTER ROLE .. PASSWORD NULL; `tenantctl apply` does it.";
    SHOULD_NOT_LOGIN: "should-not-login", High, "A tenant without access can log in",
        "The tenant is suspended, or has left the file, and its role has LOGIN.",
        "Access that was taken away is still there.",
        "`tenantctl apply` takes it.";
    PARAMETER_GRANTED: "parameter-granted", Medium, "A tenant may set a protected parameter",
        "PUBLIC or a tenant's role was granted SET or ALTER SYSTEM on a configuration parameter.",
        "Parameters that need such a grant change logging, limits or what code is loaded, for others too.",
        "REVOKE SET, ALTER SYSTEM ON PARAMETER .. FROM the role.";
    SCHEMA_CREATE_PUBLIC: "schema-create-public", Medium, "Everybody may create objects in a schema",
        "PUBLIC holds CREATE in a schema of a tenant's or shared database. Before Postgres 15 `public` was born \
         so.",
        "Whoever gets in can plant functions and operators that run as whoever looks there next.",
        "REVOKE CREATE ON SCHEMA .. FROM PUBLIC.";
    SCHEMA_USAGE_PUBLIC: "schema-usage-public", Low, "Everybody may look into a schema of a tenant",
        "PUBLIC holds USAGE in a schema of a tenant's database.",
        "The database is then all that keeps others out.",
        "REVOKE USAGE ON SCHEMA .. FROM PUBLIC; `tenantctl apply` does it for `public`.";
    SCHEMA_OF_ANOTHER: "schema-granted-to-another", Medium, "A tenant holds a privilege in another tenant's schema",
        "The ACL of a schema names the role of another tenant.",
        "It waits for the day on which that tenant can connect.",
        "REVOKE ALL ON SCHEMA .. FROM the role.";
    ROLE_IN_DATABASE: "foreign-role-in-database", Medium, "A tenant owns or was granted objects in a database that is not its own",
        "Objects inside another tenant's or a shared database belong to a tenant's role, or name it in their \
         ACLs.",
        "It waits for the day on which that tenant can connect; what it owns can run as others.",
        "In that database: REASSIGN OWNED BY .. TO the admin, then DROP OWNED BY ..: look at what it is first.";
    DEFINER_FUNCTION: "definer-function", High, "A function runs with another's rights and trusts the caller's search_path",
        "A SECURITY DEFINER function that is not the tenant's own pins no `search_path`, or pins one with a \
         schema in which others may create.",
        "Whoever may call it can make it run objects of the caller's own, with the rights of its owner.",
        "ALTER FUNCTION .. SET search_path = pg_catalog, pg_temp.";
    EXTENSION_REACHES_OUT: "extension-reaches-out", Medium, "An extension reaches out of the database",
        "An extension is installed that connects to other databases or hosts, reads files, or uses the cluster's \
         IAM roles.",
        "A tenant that may use it gets around the grants on databases: with a password of another role, or the \
         cluster's own rights.",
        "DROP EXTENSION, or REVOKE EXECUTE ON its functions FROM PUBLIC.";
    FOREIGN_SERVER: "foreign-server", Medium, "There is a foreign server",
        "A foreign server is defined in a tenant's or shared database.",
        "It leads out of the database. With USAGE on it, a tenant can store credentials and go there.",
        "DROP SERVER .. CASCADE, if nobody needs it.";
    FOREIGN_USAGE: "foreign-usage", High, "A tenant may use a foreign server or wrapper",
        "PUBLIC or a tenant's role holds USAGE on a foreign server or a foreign-data wrapper.",
        "With the server it goes there; with the wrapper it makes servers that lead anywhere.",
        "REVOKE USAGE ON FOREIGN SERVER or FOREIGN DATA WRAPPER .. FROM the role.";
    USER_MAPPING: "user-mapping", High, "Credentials for a foreign server are stored for a tenant",
        "A user mapping for PUBLIC or for a tenant's role exists.",
        "Whoever it is for arrives there as somebody else.",
        "DROP USER MAPPING FOR .. SERVER ...";
    SUBSCRIPTION: "subscription", Medium, "A subscription copies into a database",
        "Logical replication brings data into a tenant's or shared database.",
        "It connects out, and what it brings may be another tenant's.",
        "DROP SUBSCRIPTION, if nobody needs it.";
    DEFAULT_PRIVILEGES: "default-privileges", Medium, "Objects to come are opened to others",
        "ALTER DEFAULT PRIVILEGES grants something on future objects to PUBLIC or to another tenant's role.",
        "What is safe today is open tomorrow, and nobody will have granted it.",
        "ALTER DEFAULT PRIVILEGES FOR ROLE .. REVOKE ...; a tenant may do so for its own role alone.";
    UNTRUSTED_LANGUAGE: "untrusted-language", Medium, "An untrusted language is installed",
        "A procedural language that is not trusted exists in a database.",
        "Its functions run as the server's operating system user, outside every grant.",
        "DROP LANGUAGE or DROP EXTENSION.";
    EVENT_TRIGGER: "event-trigger-of-tenant", High, "An event runs a tenant's function",
        "An event trigger calls a function that belongs to a tenant's role.",
        "It runs with the rights of whoever causes the event: of the admin, when it logs in or changes a table.",
        "DROP EVENT TRIGGER.";
    IAM_CROSS_TENANT: "iam-cross-tenant", Critical, "A tenant may log in as another by IAM",
        "Policies of a tenant's IAM user or role allow `rds-db:connect` as the database user of another tenant, \
         or the trust policy of another tenant's role lets it in.",
        "It gets a token for the other's login.",
        "Take the statement out of the policy that the path names.";
    IAM_USER_CONNECTS: "iam-user-connects", High, "A tenant's IAM user may connect without its role",
        "Policies of the IAM user itself allow `rds-db:connect` as the tenant.",
        "The addresses are a condition of the role's trust policy: the user's own keys get around it.",
        "Take the statement out of the policy that the path names.";
    IAM_OUTSIDER_CONNECTS: "iam-outsider-connects", High, "Somebody else may log in as tenants by IAM",
        "Policies of an IAM user or role that is no tenant's allow `rds-db:connect` as tenants. Administrators \
         (`Action: *`) are a note.",
        "It gets tokens for tenants' logins, from any address.",
        "Narrow the resource of the statement that the path names.";
    IAM_ADMINISTRATOR: "iam-administrator", Note, "An administrator of the account may log in as tenants",
        "An IAM user or role has `Action: *`.",
        "That is what an administrator is; who they are is worth knowing.",
        "None, or fewer administrators.";
    IAM_BEYOND: "iam-beyond-declared", Medium, "A tenant's IAM identity has permissions that nobody declared",
        "A policy beyond the declared ones speaks for a tenant's IAM user or role.",
        "It can do things in the account that the tenants file knows nothing of.",
        "Detach the policy, or take the identity out of the group.";
    TRUST_ANYBODY: "trust-anybody", Critical, "Anybody may assume a tenant's role",
        "The trust policy names `*`, or only says whom it does not trust.",
        "Every AWS account can become the tenant.",
        "`tenantctl apply` writes the trust policy anew.";
    TRUST_THIRD_PARTY: "trust-third-party", Critical, "Another account may assume a tenant's role",
        "The trust policy names an account, user or role of another AWS account.",
        "Whoever rules that account can become the tenant.",
        "`tenantctl apply` writes the trust policy anew.";
    TRUST_OUTSIDER: "trust-outsider", High, "Somebody else of the account may assume a tenant's role",
        "The trust policy names the whole account, an AWS service, an identity provider, or a user or role that \
         is no tenant's.",
        "It can become the tenant.",
        "`tenantctl apply` writes the trust policy anew.";
    TRUST_STALE: "trust-stale-principal", Low, "A tenant's role trusts a principal that is gone",
        "The trust policy names a unique id (`AIDA..`, `AROA..`): AWS puts it there when a trusted user or role \
         is deleted.",
        "Nobody gets in by it, the tenant included; a user made anew under the old name is another one.",
        "`tenantctl apply` writes the trust policy anew.";
    TRUST_ADDRESSES: "trust-addresses", High, "A tenant's role may be assumed from elsewhere than declared",
        "The trust policy has no `IpAddress` condition on `aws:SourceIp`, one that lets requests without an \
         address in (`IfExists`), or other networks than the file.",
        "Stolen keys work from anywhere, or from there.",
        "`tenantctl apply` writes the trust policy anew.";
    CONDITION_IGNORED: "condition-ignored", Medium, "A condition that AWS does not evaluate",
        "A policy gates `rds-db:connect` by `aws:SourceIp` or another key that such a request does not carry.",
        "It looks like a gate and is none. Addresses belong into the trust policy of the role.",
        "Take the condition out, and put it into the trust policy.";
    SECOND_KEY: "second-access-key", Low, "A tenant's IAM user has a second access key",
        "Two access keys of the user are active, or one that does not work is still there.",
        "A key that nobody watches is a way in. During a rotation it is right.",
        "Delete the key that is not in use.";
    OLD_KEY: "old-access-key", Low, "A tenant's access key is old",
        "An active access key is older than `--max-key-age`.",
        "The longer a secret lives, the more places know it.",
        "Make a new key, hand it over, delete the old one.";
    PROBE_ENTERED: "probe-entered", Critical, "A tenant was let into a database that is not its own",
        "`--probe` logged in as the tenant, and the server opened another tenant's database, or one that is \
         nobody's; then the severity is that of `shared-database-open`.",
        "It is no computation: it happened.",
        "Mend what the path names; `tenantctl why` shows every path.";
    PROBE_DISAGREES: "probe-disagrees", Critical, "The server does not do what the static proof says",
        "`--probe` got in where the static proof says no, or was refused where it says yes.",
        "One of them is wrong, so neither proves anything about that pair; or something was changed in between.",
        "Run the audit again. If it stays, report it as a bug, with `tenantctl why` for the pair.";
    PROBE_OWN_REFUSED: "probe-own-refused", Low, "A tenant was refused its own database",
        "`--probe` logged in as the tenant, and the server refused a database that is its own.",
        "Nothing is open that should not be, but the tenant cannot work.",
        "`tenantctl apply` grants CONNECT.";
    PROBE_LOGIN_LEFT: "probe-login-left", Low, "A login that a probe made is still there",
        "`--probe` makes a login for a tenant with a password and drops it afterwards. This one was left by a run that \
         was killed, or belongs to one that is under way.",
        "Nobody knows its password, which expires soon; until then it may connect wherever the tenant may.",
        "The next `--probe` drops it once it has expired; or DROP ROLE.";
    NOT_PROVED: "not-proved", Medium, "Something could not be looked at",
        "A database could not be opened, the account could not be read, or a tenant could not be probed. \
         `--shallow` is a note, since it was asked for.",
        "What was not seen is not proved.",
        "Give the admin CONNECT, or the caller the permission that the message names.";
}
