//! The AWS clients: one configuration, retries, time limits, a count of calls, and errors that say what to do.

mod error;
#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_iam::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents, SharedInterceptor};
use aws_sdk_iam::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use tokio::sync::Semaphore;

use super::trace;

pub use error::{AwsError, AwsErrorKind};

/// Attempts of one call, the first included. IAM throttles by the second and the account, so that hundreds of tenants
/// meet `Throttling` as a matter of course.
const ATTEMPTS: u32 = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);
/// Writing calls at a time. IAM's limits for writes are low and shared by the whole account.
const CONCURRENT_IAM_WRITES: usize = 5;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPT_LIMIT: Duration = Duration::from_secs(30);

/// Everything that calls AWS starts here. A client is made when it is first asked for.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    calls: Calls,
    iam_writes: Arc<Semaphore>,
    iam: OnceLock<aws_sdk_iam::Client>,
    rds: OnceLock<aws_sdk_rds::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    secrets_manager: OnceLock<aws_sdk_secretsmanager::Client>,
}

/// Builds a client with what the shared configuration cannot carry: the count of calls, and retries that no bucket
/// limits. The SDK's own bucket of 500 tokens runs dry on the hundredth throttled call of a run; attempts are bounded
/// by [`ATTEMPTS`] anyway.
macro_rules! client {
    ($service:ident, $aws:expr) => {{
        let partition = RetryPartition::custom(stringify!($service)).token_bucket(TokenBucket::unlimited());
        let config = $service::config::Builder::from(&$aws.config)
            .retry_partition(partition.build())
            .interceptor(SharedInterceptor::new($aws.calls.clone()))
            .build();
        $service::Client::from_conf(config)
    }};
}

impl Aws {
    /// Loads the configuration that every AWS tool reads: environment, shared files, SSO, instance and container
    /// roles, `AWS_ENDPOINT_URL`. A region or profile given here wins.
    ///
    /// Calls nothing yet, so it cannot fail: what is missing comes out of the first call, as an [`AwsError`].
    pub async fn load(region: Option<&str>, profile: Option<&str>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_LIMIT)
            .operation_attempt_timeout(ATTEMPT_LIMIT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(LONGEST_BACKOFF);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(retries)
            .timeout_config(timeouts);
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        Self::from_config(loader.load().await)
    }

    /// Takes a configuration that somebody else made; its retries and time limits stay as they are.
    pub fn from_config(config: SdkConfig) -> Self {
        Self {
            config,
            calls: Calls::default(),
            iam_writes: Arc::new(Semaphore::new(CONCURRENT_IAM_WRITES)),
            iam: OnceLock::new(),
            rds: OnceLock::new(),
            sts: OnceLock::new(),
            secrets_manager: OnceLock::new(),
        }
    }

    /// The same identity in another region. Calls are counted together, and writes to IAM, which is one for all regions,
    /// are limited together.
    #[must_use]
    pub fn in_region(&self, region: Option<&str>) -> Self {
        let config = match region {
            Some(region) => {
                let region = Region::new(region.to_owned());
                self.config.to_builder().region(region).build()
            }
            None => self.config.clone(),
        };
        Self {
            calls: self.calls.clone(),
            iam_writes: Arc::clone(&self.iam_writes),
            ..Self::from_config(config)
        }
    }

    /// Whoever writes to IAM holds one of these permits while it does.
    pub fn iam_writes(&self) -> Arc<Semaphore> {
        Arc::clone(&self.iam_writes)
    }

    /// The configuration itself.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region, if any is set.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// How many requests were sent, every attempt counted.
    pub fn calls(&self) -> usize {
        self.calls.sent.load(Ordering::Relaxed)
    }

    /// The IAM client.
    pub fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam.get_or_init(|| client!(aws_sdk_iam, self))
    }

    /// The RDS client.
    pub fn rds(&self) -> &aws_sdk_rds::Client {
        self.rds.get_or_init(|| client!(aws_sdk_rds, self))
    }

    /// The STS client.
    pub fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts.get_or_init(|| client!(aws_sdk_sts, self))
    }

    /// The Secrets Manager client.
    pub fn secrets_manager(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets_manager
            .get_or_init(|| client!(aws_sdk_secretsmanager, self))
    }
}

/// Counts requests on their way out, and says for `-v` how long each took.
#[derive(Clone, Debug, Default)]
struct Calls {
    sent: Arc<AtomicUsize>,
}

/// When an attempt was sent.
#[derive(Clone, Copy, Debug)]
struct Sent(Instant);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        config.interceptor_state().store_put(Sent(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(sent), Some(call)) = (config.load::<Sent>(), config.load::<Metadata>()) {
            let status = context.response().map(|response| response.status().as_u16());
            trace::call(call.service(), call.name(), status, sent.0.elapsed());
        }
        Ok(())
    }
}
