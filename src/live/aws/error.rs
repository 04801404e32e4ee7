//! What went wrong with a call to AWS, and what to do about it.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::RequestId as _;

use crate::diag::Problem;
use crate::live::remedy::Remedy;

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
    known: Option<&'static Remedy>,
    /// A better remedy than that of the table.
    help: Option<String>,
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
            known: Remedy::of_aws(code.as_deref().unwrap_or(word(kind)), &message),
            help: None,
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
            known: Remedy::of_aws(word(kind), &message),
            help: None,
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
        self.0.help = Some(remedy.into());
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

    /// What happened, why that usually is, and what to do next.
    pub fn problem(&self) -> Problem {
        let details = &self.0;
        let known = details.known;
        let help = known.map(|known| known.help.replace("{operation}", details.operation));
        Problem {
            code: known.map_or("aws_error", |known| known.code),
            message: self.what(),
            cause: known.map(|known| known.cause.to_owned()),
            help: details.help.clone().or(help).or_else(|| Some(UNKNOWN.to_owned())),
        }
    }

    fn what(&self) -> String {
        let details = &self.0;
        let mut what = details.operation.to_owned();
        if !details.subject.is_empty() {
            what = format!("{what} {}", details.subject);
        }
        if let Some(code) = &details.code {
            what = format!("{what}: {code}");
        }
        what = format!("{what}: {}", details.message.trim_end_matches('.'));
        if let Some(id) = &details.request_id {
            what = format!("{what} (request {id})");
        }
        what
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem().fmt(f)
    }
}

/// What to do about what is in no table.
const UNKNOWN: &str = "Look the code up in the documentation of the service; -v shows the calls before it";

/// How the table of remedies calls what has no code.
fn word(kind: AwsErrorKind) -> &'static str {
    match kind {
        AwsErrorKind::Credentials => "credentials",
        AwsErrorKind::Region => "region",
        AwsErrorKind::Unreachable => "unreachable",
        AwsErrorKind::NotOurs => "not_ours",
        AwsErrorKind::NotFound => "not_found",
        AwsErrorKind::Expired
        | AwsErrorKind::Denied
        | AwsErrorKind::Throttled
        | AwsErrorKind::Exists
        | AwsErrorKind::DeleteConflict
        | AwsErrorKind::Busy
        | AwsErrorKind::Limit
        | AwsErrorKind::MalformedPolicy
        | AwsErrorKind::Other => "",
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
        | "RequestTimeTooSkewed"
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
    // The last one is about the region's name, which becomes a part of the endpoint's.
    let about_region = [
        "Missing Region",
        "region must be set",
        "must be a valid host label",
    ];
    if about_region.iter().any(|part| message.contains(part)) {
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
    // The chain of credentials says on lines of their own what it has tried.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("; ").replace(":; ", ": ")
}
