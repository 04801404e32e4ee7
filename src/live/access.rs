//! Ways in: a tenant's role, login tokens, the master user's secret.

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_rds::auth_token::{AuthTokenGenerator, Config};
use aws_sdk_rds::config::Region;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::aws::{Aws, AwsError, AwsErrorKind};
use crate::model::{ClusterFacts, Secret};

const ASSUME: &str = "sts:AssumeRole";
const CONNECT: &str = "rds-db:connect";
const GET_SECRET: &str = "secretsmanager:GetSecretValue";
/// Seconds that a session of a tenant's role lives, the least that STS allows: long enough to open a connection, and
/// a session outlives every later change of the trust policy.
const SESSION_SECONDS: i32 = 900;
/// Seconds that a token is good for, the most that RDS allows.
const TOKEN_SECONDS: u64 = 900;
/// Characters of a session name, at most.
const SESSION_NAME_LENGTH: usize = 64;
/// What RFC 3986 leaves unescaped, which is what SigV4 signs.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A database and the user to log in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login<'a> {
    /// The region of the cluster.
    pub region: &'a str,
    /// The cluster's own endpoint: a token for any other name of it is refused.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// The login role.
    pub user: &'a str,
}

/// Assumes a tenant's role for a quarter of an hour, with the caller's credentials, which have to be the tenant's own.
///
/// # Errors
///
/// When STS refuses, with the reasons that are usual for a tenant.
pub async fn assume_tenant_role(
    aws: &Aws,
    role_arn: &str,
    session_name: &str,
) -> Result<Credentials, AwsError> {
    let answer = aws
        .sts()
        .assume_role()
        .role_arn(role_arn)
        .role_session_name(session(session_name))
        .duration_seconds(SESSION_SECONDS)
        .send()
        .await;
    let answer = answer.map_err(|error| explain(AwsError::from_sdk(ASSUME, role_arn, &error)))?;
    let given = answer.credentials.ok_or_else(|| {
        AwsError::new(
            ASSUME,
            role_arn,
            AwsErrorKind::Other,
            "the answer has no credentials",
        )
    })?;
    let expiry = given.expiration.try_into().ok();
    Ok(Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        expiry,
        "tenantctl",
    ))
}

fn explain(error: AwsError) -> AwsError {
    match error.kind() {
        AwsErrorKind::Denied => error.with_remedy(
            "The role trusts one user, from the tenant's allowed_ips. Usual reasons: this machine's public address \
             is not in allowed_ips (or the call goes through a VPC endpoint, which shows none); the tenant is \
             suspended; the credentials are not the tenant's own; or user, role or key are seconds old, then \
             try again in a minute",
        ),
        _ => error,
    }
}

/// A name that STS accepts: `[\w+=,.@-]{2,64}`.
fn session(name: &str) -> String {
    let legal = |char: char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(char);
    let kept: String = name
        .chars()
        .map(|char| if legal(char) { char } else { '-' })
        .take(SESSION_NAME_LENGTH)
        .collect();
    if kept.len() < 2 {
        format!("tenantctl-{kept}")
    } else {
        kept
    }
}

/// A login token for one user of one cluster, signed here without any call. It opens connections for fifteen minutes,
/// or until the credentials expire if that is sooner; it is at least a kilobyte with a session's credentials.
///
/// # Errors
///
/// When the token cannot be signed.
pub async fn auth_token(aws: &Aws, credentials: &Credentials, login: Login<'_>) -> Result<Secret, AwsError> {
    // The generator pastes the name into a URL as it stands; IAM names may hold `+` and `=`.
    let user = utf8_percent_encode(login.user, ESCAPED).to_string();
    let refused = |message: String| AwsError::new(CONNECT, login.user, AwsErrorKind::Other, message);
    let config = Config::builder()
        .credentials(credentials.clone())
        .region(Region::new(login.region.to_owned()))
        .hostname(login.host)
        .port(login.port.into())
        .username(user)
        .expires_in(TOKEN_SECONDS)
        .build()
        .map_err(|error| refused(error.to_string()))?;
    let token = AuthTokenGenerator::new(config).auth_token(aws.config()).await;
    let token = token.map_err(|error| refused(error.to_string()))?;
    Ok(Secret::new(token.as_str()))
}

/// A login token for an admin, with the caller's own credentials.
///
/// # Errors
///
/// When there are no credentials, or the token cannot be signed.
pub async fn admin_token(aws: &Aws, facts: &ClusterFacts, user: &str) -> Result<Secret, AwsError> {
    let provider = aws.config().credentials_provider().ok_or_else(|| {
        AwsError::new(
            CONNECT,
            user,
            AwsErrorKind::Credentials,
            "no credentials are configured",
        )
    })?;
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| AwsError::from_credentials(CONNECT, &error))?;
    let login = Login {
        region: &facts.region,
        host: &facts.endpoint,
        port: facts.port,
        user,
    };
    auth_token(aws, &credentials, login).await
}

/// The fields of a secret that RDS manages; it holds others.
#[derive(Deserialize)]
struct MasterSecret {
    username: String,
    password: String,
}

/// User name and password out of a secret in Secrets Manager: `{"username": .., "password": ..}`.
///
/// RDS rotates the master user's: after a refused login, ask once more.
///
/// # Errors
///
/// When it cannot be read, or is not of that form. The error never quotes the secret.
pub async fn master_secret(aws: &Aws, arn: &str) -> Result<(String, Secret), AwsError> {
    let answer = aws
        .secrets_manager()
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await;
    let answer = answer.map_err(|error| AwsError::from_sdk(GET_SECRET, arn, &error))?;
    let text = Secret::new(answer.secret_string.unwrap_or_default());
    // serde's message quotes what it could not read, so only the fact of it goes into ours.
    let parsed: MasterSecret = serde_json::from_str(text.expose()).map_err(|_| {
        let message = "the secret is not JSON with `username` and `password`";
        AwsError::new(GET_SECRET, arn, AwsErrorKind::Other, message)
    })?;
    Ok((parsed.username, Secret::new(parsed.password)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::aws::stub::{Stub, ok, refusal};

    #[test]
    fn session_names_are_legal() {
        assert_eq!(session("client01"), "client01");
        assert_eq!(session("client 01/x"), "client-01-x");
        assert_eq!(session("a"), "tenantctl-a");
        assert_eq!(session(&"a".repeat(100)).len(), 64);
    }

    #[tokio::test]
    async fn a_session_is_short_and_signs_tokens() {
        let stub = Stub::start(|request, _| {
            let given = "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                         <SessionToken>t+/=</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>";
            ok(&request.action, given)
        })
        .await;
        let arn = "arn:aws:iam::123456789012:role/r";
        let credentials = assume_tenant_role(&stub.aws, arn, "client01")
            .await
            .expect("assumes");
        assert_eq!(stub.requests()[0].get("DurationSeconds"), "900");
        assert!(credentials.expiry().is_some());
        let login = Login {
            region: "eu-central-1",
            host: "main.example",
            port: 5433,
            user: "a+b=c@d",
        };
        let token = auth_token(&stub.aws, &credentials, login).await.expect("signs");
        let text = token.expose();
        assert!(
            text.starts_with("main.example:5433/?Action=connect&DBUser=a%2Bb%3Dc%40d&"),
            "{text}"
        );
        for part in [
            "X-Amz-Expires=900",
            "%2Feu-central-1%2Frds-db%2Faws4_request",
            "t%2B%2F%3D",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let facts = ClusterFacts {
            partition: "aws".into(),
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            identifier: "main".into(),
            resource_id: "cluster-A".into(),
            endpoint: "other.example".into(),
            port: 5432,
            master_username: "postgres".into(),
            iam_enabled: true,
            master_secret_arn: None,
        };
        let token = admin_token(&stub.aws, &facts, "postgres").await.expect("signs");
        assert!(token.expose().contains("AKIDTEST%2F") && token.expose().contains("%2Feu-west-1%2F"));
    }

    #[tokio::test]
    async fn a_refused_role_is_explained() {
        let stub =
            Stub::start(|_, _| refusal(403, "AccessDenied", "not authorized to perform: sts:AssumeRole"))
                .await;
        let error = assume_tenant_role(&stub.aws, "arn:aws:iam::1:role/r", "client01")
            .await
            .expect_err("denied");
        assert!(error.to_string().contains("allowed_ips"), "{error}");
        assert!(error.to_string().contains("suspended"), "{error}");
    }

    #[tokio::test]
    async fn a_master_secret_is_read_and_never_quoted() {
        let answer = |text: &str| {
            let body = serde_json::json!({"ARN": "arn", "Name": "n", "SecretString": text});
            (200, body.to_string())
        };
        let stub = Stub::start(move |_, before| match before {
            0 => answer(r#"{"username":"postgres","password":"hunter2","extra":1}"#),
            _ => answer(r#"{"username":"postgres","password":["hunter2"]}"#),
        })
        .await;
        let (user, password) = master_secret(&stub.aws, "arn").await.expect("reads");
        assert_eq!((user.as_str(), password.expose()), ("postgres", "hunter2"));
        let error = master_secret(&stub.aws, "arn").await.expect_err("another form");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        assert_eq!(stub.count("GetSecretValue"), 2);
    }
}
