//! What went wrong with a call to AWS, and what to do about it.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::RequestId as _;

/// What kind of failure it was, as far as anything depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// No credentials were found, or loading them failed.
    Credentials,
    /// The credentials are expired, unknown or wrong.
    Expired,
    /// The caller may not do this.
    Denied,
    /// No region is set.
    Region,
    /// The endpoint did not answer, or not in time.
    Unreachable,
    /// Too many calls, still after all attempts.
    Throttled,
    /// The object does not exist.
    NotFound,
    /// The object exists already.
    Exists,
    /// The object cannot be deleted while something hangs on it.
    DeleteConflict,
    /// Somebody else is changing the object, or it was created a moment ago; later it works.
    Busy,
    /// A quota of the account is used up.
    Limit,
    /// A policy document was refused.
    MalformedPolicy,
    /// The object is there, without our tags.
    NotOurs,
    /// Anything else.
    Other,
}

/// A call to AWS that failed: which, on what, AWS's code, message and request id, and a remedy where one is known.
#[derive(Debug, thiserror::Error)]
pub struct AwsError(Box<Details>);

#[derive(Debug)]
struct Details {
    operation: &'static str,
    subject: String,
    kind: AwsErrorKind,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
    remedy: Option<String>,
}

impl AwsError {
    /// From an error of any of the SDK's clients. `operation` is the name of the permission that the call needs, such
    /// as `iam:CreateUser`; `subject` is what it was about, or empty.
    pub fn from_sdk<E>(operation: &'static str, subject: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let code = error.code().map(str::to_owned);
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None => chain(error),
        };
        let kind = match code.as_deref() {
            Some(code) => kind_of_code(code),
            None => kind_without_code(error, &message),
        };
        Self(Box::new(Details {
            remedy: remedy(kind, operation, code.as_deref(), &message),
            operation,
            subject: subject.to_owned(),
            kind,
            code,
            message,
            request_id: error.request_id().map(str::to_owned),
        }))
    }

    /// From credentials that could not be loaded, outside of any call.
    pub fn from_credentials(operation: &'static str, error: &CredentialsError) -> Self {
        Self::new(operation, "", AwsErrorKind::Credentials, chain(error))
    }

    /// An error of our own about an answer of AWS.
    pub fn new(
        operation: &'static str,
        subject: &str,
        kind: AwsErrorKind,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        Self(Box::new(Details {
            remedy: remedy(kind, operation, None, &message),
            operation,
            subject: subject.to_owned(),
            kind,
            code: None,
            message,
            request_id: None,
        }))
    }

    /// The same error with another remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> AwsErrorKind {
        self.0.kind
    }

    /// The permission that the call needs, such as `iam:CreateUser`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// AWS's error code, such as `NoSuchEntity`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// AWS's message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// AWS's id of the request, which its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What to do next.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &self.0;
        f.write_str(details.operation)?;
        if !details.subject.is_empty() {
            write!(f, " {}", details.subject)?;
        }
        if let Some(code) = &details.code {
            write!(f, ": {code}")?;
        }
        write!(f, ": {}", details.message.trim_end_matches('.'))?;
        if let Some(id) = &details.request_id {
            write!(f, " (request {id})")?;
        }
        if let Some(remedy) = &details.remedy {
            write!(f, ". {remedy}")?;
        }
        Ok(())
    }
}

/// Codes as IAM, STS, RDS and Secrets Manager spell them; several spellings of one thing.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>
fn kind_of_code(code: &str) -> AwsErrorKind {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized" => {
            AwsErrorKind::Denied
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken" => AwsErrorKind::Expired,
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => {
            AwsErrorKind::Throttled
        }
        "NoSuchEntity" | "NoSuchEntityException" | "DBClusterNotFoundFault" | "ResourceNotFoundException" => {
            AwsErrorKind::NotFound
        }
        "EntityAlreadyExists" | "EntityAlreadyExistsException" => AwsErrorKind::Exists,
        "DeleteConflict" | "DeleteConflictException" => AwsErrorKind::DeleteConflict,
        "ConcurrentModification"
        | "ConcurrentModificationException"
        | "EntityTemporarilyUnmodifiable"
        | "EntityTemporarilyUnmodifiableException" => AwsErrorKind::Busy,
        "LimitExceeded" | "LimitExceededException" => AwsErrorKind::Limit,
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" => AwsErrorKind::MalformedPolicy,
        _ => AwsErrorKind::Other,
    }
}

fn kind_without_code<E>(error: &SdkError<E>, message: &str) -> AwsErrorKind
where
    E: Error + 'static,
{
    if message.contains("Missing Region") || message.contains("region must be set") {
        return AwsErrorKind::Region;
    }
    if causes(error).any(|cause| cause.is::<CredentialsError>()) {
        return AwsErrorKind::Credentials;
    }
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => AwsErrorKind::Unreachable,
        _ => AwsErrorKind::Other,
    }
}

fn remedy(kind: AwsErrorKind, operation: &str, code: Option<&str>, message: &str) -> Option<String> {
    let text = match kind {
        AwsErrorKind::Credentials => {
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`; \
             `aws sts get-caller-identity` shows whether it worked"
        }
        AwsErrorKind::Expired if code == Some("SignatureDoesNotMatch") => {
            "The secret key does not belong to the key id, or this machine's clock is wrong"
        }
        AwsErrorKind::Expired => {
            "The credentials are no longer valid, or not yet when the key is seconds old: renew them, \
             for example by `aws sso login`"
        }
        AwsErrorKind::Denied => {
            return Some(format!(
                "Allow `{operation}` to the caller, and see that no permissions boundary or organisation policy denies it"
            ));
        }
        AwsErrorKind::Region => "Write `region` in the cluster block, or set AWS_REGION",
        AwsErrorKind::Unreachable => "Check the network and, where it is set, AWS_ENDPOINT_URL",
        AwsErrorKind::Throttled => "Run again later, or with a lower --parallelism: what is done stays done",
        AwsErrorKind::Limit if message.contains("policy size") => {
            "All inline policies of a user or role share this size: remove others from it, or make them managed policies"
        }
        AwsErrorKind::Limit if message.contains("ACLSizePerRole") => {
            "The trust policy is too long: name fewer or wider networks in `allowed_ips`"
        }
        AwsErrorKind::Limit if message.contains("RolesPerAccount") => {
            "The account has no room for more roles: ask AWS for more under Service Quotas, IAM, \"Roles per account\" \
             (L-FE177D64), or delete roles that nobody needs, and run again"
        }
        AwsErrorKind::Limit if message.contains("UsersPerAccount") => {
            "The account has no room for more users, and AWS raises this quota for nobody: delete users that nobody needs, \
             or use another account"
        }
        AwsErrorKind::MalformedPolicy if message.contains("Invalid principal") => {
            "IAM knows no such user or role, or not any more. Plan again: it shows what is gone"
        }
        AwsErrorKind::Limit => {
            "A quota of the account is used up; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html \
             says which can be raised"
        }
        AwsErrorKind::Busy => "Run again: AWS was still busy with an earlier change",
        AwsErrorKind::NotFound
        | AwsErrorKind::Exists
        | AwsErrorKind::DeleteConflict
        | AwsErrorKind::MalformedPolicy
        | AwsErrorKind::NotOurs
        | AwsErrorKind::Other => return None,
    };
    Some(text.to_owned())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error and its causes in one line, each said once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let said = cause.to_string();
        if text.contains(&said) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&said);
    }
    text
}
