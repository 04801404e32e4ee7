use std::sync::atomic::{AtomicU32, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::stub::{Stub, ok, refusal};
use super::*;

/// A provider without credentials.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody")))
    }
}

const KEYS: &str = "<AccessKeyMetadata></AccessKeyMetadata><IsTruncated>false</IsTruncated>";

async fn list(aws: &Aws) -> Result<(), AwsError> {
    let answer = aws.iam().list_access_keys().user_name("client01").send().await;
    answer
        .map(drop)
        .map_err(|error| AwsError::from_sdk("iam:ListAccessKeys", "client01", &error))
}

#[tokio::test]
async fn throttling_of_every_third_call_is_survived_far_beyond_the_default_bucket() {
    let count = AtomicU32::new(0);
    let stub = Stub::start(move |request, _| {
        if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            refusal(400, "Throttling", "Rate exceeded")
        } else {
            ok(&request.action, KEYS)
        }
    })
    .await;
    for _ in 0..400 {
        list(&stub.aws).await.expect("survives");
    }
    assert_eq!(stub.aws.calls(), stub.requests().len());
    assert_eq!(stub.count("ListAccessKeys"), 600);
}

#[tokio::test]
async fn errors_say_what_and_what_next() {
    let message = "User: arn:aws:iam::1:user/x is not authorized to perform: iam:ListAccessKeys";
    let stub = Stub::start(move |_, _| refusal(403, "AccessDenied", message)).await;
    let error = list(&stub.aws).await.expect_err("denied");
    assert_eq!(error.kind(), AwsErrorKind::Denied);
    insta::assert_snapshot!(error, @"iam:ListAccessKeys client01: AccessDenied: User: arn:aws:iam::1:user/x is not authorized to perform: iam:ListAccessKeys (request r-1). Allow `iam:ListAccessKeys` to the caller, and see that no permissions boundary or organisation policy denies it");

    let stub = Stub::start(|_, _| refusal(403, "ExpiredToken", "The security token is expired")).await;
    let error = list(&stub.aws).await.expect_err("expired");
    assert_eq!(error.kind(), AwsErrorKind::Expired);
    assert!(
        error
            .problem()
            .help
            .is_some_and(|text| text.contains("aws sso login"))
    );
}

#[tokio::test]
async fn a_missing_region_missing_credentials_and_a_dead_endpoint_are_told_apart() {
    let base = || {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
    };
    let credentials = Credentials::new("AKID", "secret", None, None, "test");
    let provider = SharedCredentialsProvider::new(credentials);

    let nowhere = Aws::from_config(base().credentials_provider(provider.clone()).build());
    let error = list(&nowhere).await.expect_err("no region");
    assert_eq!(error.kind(), AwsErrorKind::Region, "{error}");

    let dead = base()
        .region(Region::new("eu-central-1"))
        .endpoint_url("http://127.0.0.1:1")
        .credentials_provider(provider);
    let error = list(&Aws::from_config(dead.build())).await.expect_err("dead");
    assert_eq!(error.kind(), AwsErrorKind::Unreachable, "{error}");

    let anonymous = base()
        .region(Region::new("eu-central-1"))
        .endpoint_url("http://127.0.0.1:1")
        .credentials_provider(SharedCredentialsProvider::new(Nobody));
    let error = list(&Aws::from_config(anonymous.build()))
        .await
        .expect_err("nobody");
    assert_eq!(error.kind(), AwsErrorKind::Credentials, "{error}");
    assert!(error.to_string().contains("AWS_PROFILE"), "{error}");
}
