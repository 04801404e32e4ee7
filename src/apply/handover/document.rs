//! What a hand-over file says: YAML, so that people read it and programs parse it.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::Credential;
use crate::address::Name;
use crate::plan::step::HandOver;

/// The bundle of RDS's certificate authorities, as the snippets name its file.
const BUNDLE: &str = "global-bundle.pem";

/// What a part of a URL has to escape: all that RFC 3986 does not leave unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Renders the document. It holds the secret in the clear and is cleared on drop.
pub(super) fn render(handover: &HandOver, credential: &Credential) -> Zeroizing<String> {
    // Room for everything: a string that grows leaves copies of the secret behind.
    let mut out = Zeroizing::new(String::with_capacity(16 * 1024));
    let tenant = handover.tenant.as_str();
    line(
        &mut out,
        format_args!("# Access of tenant {tenant}, made by tenantctl. Keep it as you keep a password."),
    );
    line(&mut out, format_args!("tenant: {}", quoted(tenant)));
    match credential {
        Credential::AccessKey { id, secret } => {
            line(&mut out, format_args!("access_key_id: {}", quoted(id)));
            let secret = Zeroizing::new(quoted(secret.expose()));
            line(&mut out, format_args!("secret_access_key: {}", *secret));
        }
        Credential::Password(password) => {
            let password = Zeroizing::new(quoted(password.expose()));
            line(&mut out, format_args!("password: {}", *password));
        }
    }
    if let Some(role_arn) = &handover.role_arn {
        line(&mut out, format_args!("role_arn: {}", quoted(role_arn)));
    }
    line(&mut out, format_args!("user: {}", quoted(&handover.role)));
    line(&mut out, format_args!("endpoint: {}", quoted(&handover.endpoint)));
    line(&mut out, format_args!("port: {}", handover.port));
    line(&mut out, format_args!("region: {}", quoted(&handover.region)));
    let databases: Vec<String> = handover.databases.iter().map(|name| quoted(name)).collect();
    line(&mut out, format_args!("databases: [{}]", databases.join(", ")));
    line(
        &mut out,
        format_args!("certificates: {}", quoted(bundle_url(&handover.region))),
    );

    let values = Values::of(handover);
    block(&mut out, "environment", &environment(&values, credential));
    match credential {
        Credential::AccessKey { .. } => {
            block(&mut out, "psql", &iam_psql(&values));
            block(&mut out, "npgsql", &iam_npgsql(&values));
            block(&mut out, "jdbc", &iam_jdbc(&values));
        }
        Credential::Password(_) => {
            block(&mut out, "psql", &format!("{}\npsql\n", certificates(&values)));
            block(&mut out, "npgsql", &password_npgsql(&values));
            block(&mut out, "jdbc", &password_jdbc(&values));
        }
    }
    out
}

/// The values of the snippets.
struct Values<'a> {
    handover: &'a HandOver,
    role_arn: &'a str,
    database: &'a str,
}

impl<'a> Values<'a> {
    fn of(handover: &'a HandOver) -> Self {
        Self {
            handover,
            role_arn: handover.role_arn.as_deref().unwrap_or_default(),
            database: handover.databases.first().map_or("DATABASE", Name::as_str),
        }
    }

    /// The name of a session: at least two characters, of which a tenant's name may have one.
    fn session(&self) -> String {
        format!("tenant-{}", self.handover.role)
            .chars()
            .take(64)
            .collect()
    }
}

fn environment(values: &Values<'_>, credential: &Credential) -> Zeroizing<String> {
    let handover = values.handover;
    let mut out = Zeroizing::new(String::with_capacity(2048));
    let mut export = |name: &str, value: &str| {
        let value = Zeroizing::new(shell(value));
        line(&mut out, format_args!("export {name}={}", *value));
    };
    match credential {
        Credential::AccessKey { id, secret } => {
            export("AWS_ACCESS_KEY_ID", id);
            export("AWS_SECRET_ACCESS_KEY", secret.expose());
            export("AWS_REGION", &handover.region);
        }
        Credential::Password(password) => export("PGPASSWORD", password.expose()),
    }
    export("PGHOST", &handover.endpoint);
    export("PGPORT", &handover.port.to_string());
    export("PGUSER", &handover.role);
    export("PGDATABASE", values.database);
    export("PGSSLMODE", "verify-full");
    export("PGSSLROOTCERT", BUNDLE);
    out
}

fn certificates(values: &Values<'_>) -> String {
    format!(
        "# in a shell that ran the lines under `environment`\ncurl -fsSLO {}",
        bundle_url(&values.handover.region)
    )
}

fn iam_psql(values: &Values<'_>) -> String {
    format!(
        r#"{certificates}
# from one of the tenant's allowed addresses; the session lasts an hour, a token fifteen minutes
(
  set -- $(aws sts assume-role --role-arn {role} --role-session-name {session} \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
  export AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$2" AWS_SESSION_TOKEN="$3"
  PGPASSWORD="$(aws rds generate-db-auth-token --region "$AWS_REGION" \
    --hostname "$PGHOST" --port "$PGPORT" --username "$PGUSER")" psql
)
"#,
        certificates = certificates(values),
        role = shell(values.role_arn),
        session = shell(&values.session()),
    )
}

fn iam_npgsql(values: &Values<'_>) -> String {
    format!(
        r#"// packages: Npgsql, AWSSDK.RDS, AWSSDK.SecurityToken; the variables under `environment` are set
using Amazon;
using Amazon.RDS.Util;
using Amazon.Runtime;
using Npgsql;

var credentials = new AssumeRoleAWSCredentials(
    new EnvironmentVariablesAWSCredentials(), {role}, {session});
// signed on this machine, without a call, for every connection that the pool opens
string Token() => RDSAuthTokenGenerator.GenerateAuthToken(
    credentials, RegionEndpoint.GetBySystemName({region}), {host}, {port}, {user});
{builder}
builder.UsePasswordProvider(_ => Token(), (_, _) => ValueTask.FromResult(Token()));
await using var source = builder.Build();
await using var connection = await source.OpenConnectionAsync();
"#,
        role = quoted(values.role_arn),
        session = quoted(&values.session()),
        region = quoted(&values.handover.region),
        host = quoted(&values.handover.endpoint),
        port = values.handover.port,
        user = quoted(&values.handover.role),
        builder = npgsql_builder(values, ""),
    )
}

fn password_npgsql(values: &Values<'_>) -> String {
    format!(
        r#"// package: Npgsql; the variables under `environment` are set
using Npgsql;

{builder}
await using var source = builder.Build();
await using var connection = await source.OpenConnectionAsync();
"#,
        builder = npgsql_builder(
            values,
            "\n    Password = Environment.GetEnvironmentVariable(\"PGPASSWORD\"),"
        ),
    )
}

fn npgsql_builder(values: &Values<'_>, more: &str) -> String {
    format!(
        r#"var builder = new NpgsqlDataSourceBuilder(new NpgsqlConnectionStringBuilder
{{
    Host = {host}, Port = {port}, Username = {user}, Database = {database},{more}
    SslMode = SslMode.VerifyFull, RootCertificate = "{BUNDLE}",
}}.ConnectionString);"#,
        host = quoted(&values.handover.endpoint),
        port = values.handover.port,
        user = quoted(&values.handover.role),
        database = quoted(values.database),
    )
}

fn iam_jdbc(values: &Values<'_>) -> String {
    format!(
        r#"// software.amazon.jdbc:aws-advanced-jdbc-wrapper, org.postgresql:postgresql,
// software.amazon.awssdk:rds and :sts; the variables under `environment` are set
var region = software.amazon.awssdk.regions.Region.of({region});
var role = software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider.builder()
    .stsClient(software.amazon.awssdk.services.sts.StsClient.builder().region(region).build())
    .refreshRequest(request -> request.roleArn({role}).roleSessionName({session}))
    .build();
software.amazon.jdbc.authentication.AwsCredentialsManager.setCustomHandler((host, ignored) -> role);
var properties = new java.util.Properties();
properties.setProperty("user", {user});
properties.setProperty("wrapperPlugins", "iam");
properties.setProperty("iamRegion", {region});
{tls}
var connection = java.sql.DriverManager.getConnection({url}, properties);
"#,
        region = quoted(&values.handover.region),
        role = quoted(values.role_arn),
        session = quoted(&values.session()),
        user = quoted(&values.handover.role),
        tls = jdbc_tls(),
        url = quoted(&jdbc_url(values, "jdbc:aws-wrapper:postgresql")),
    )
}

fn password_jdbc(values: &Values<'_>) -> String {
    format!(
        r#"// org.postgresql:postgresql; the variables under `environment` are set
var properties = new java.util.Properties();
properties.setProperty("user", {user});
properties.setProperty("password", System.getenv("PGPASSWORD"));
{tls}
var connection = java.sql.DriverManager.getConnection({url}, properties);
"#,
        user = quoted(&values.handover.role),
        tls = jdbc_tls(),
        url = quoted(&jdbc_url(values, "jdbc:postgresql")),
    )
}

fn jdbc_tls() -> String {
    format!(
        "properties.setProperty(\"sslmode\", \"verify-full\");\nproperties.setProperty(\"sslrootcert\", \"{BUNDLE}\");"
    )
}

fn jdbc_url(values: &Values<'_>, scheme: &str) -> String {
    let database = utf8_percent_encode(values.database, ESCAPED);
    format!(
        "{scheme}://{}:{}/{database}",
        values.handover.endpoint, values.handover.port
    )
}

/// Where RDS publishes its certificate authorities, by partition:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html>.
fn bundle_url(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem"
    } else if region.starts_with("us-gov-") {
        "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem"
    } else {
        "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
    }
}

/// A string in JSON, which is a string in YAML, C# and Java as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word in a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn block(out: &mut String, name: &str, content: &str) {
    line(out, format_args!("\n{name}: |"));
    for text in content.lines() {
        if text.is_empty() {
            out.push('\n');
        } else {
            line(out, format_args!("  {text}"));
        }
    }
}
