//! The SDK's client.

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{Client, config::Credentials};

/// How to reach DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// The endpoint; that of the environment (`AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`) or of
    /// the region where it is not given.
    pub endpoint: Option<String>,
    /// Whether the server checks no keys, as an embedded one: a made-up region and keys are used
    /// then, and the environment is not asked.
    pub keyless: bool,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the answer to one attempt.
    pub attempt_timeout: Duration,
    /// How often to try a call, the first attempt included.
    pub attempts: u32,
}

/// Short timeouts: DynamoDB answers in milliseconds, and a batch that fails is redelivered.
impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            keyless: false,
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(3),
            attempts: 6,
        }
    }
}

impl ClientOptions {
    /// A client with these options.
    pub async fn connect(&self) -> Client {
        let mut loader = self.with_limits(aws_config::defaults(BehaviorVersion::latest()));
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if self.keyless {
            let keys = Credentials::builder().access_key_id("local").secret_access_key("local");
            let keys = keys.provider_name("keyless").build();
            loader = loader.region(Region::from_static("us-east-1")).credentials_provider(keys);
        }
        Client::new(&loader.load().await)
    }

    fn with_limits(&self, loader: ConfigLoader) -> ConfigLoader {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .operation_attempt_timeout(self.attempt_timeout)
            .build();
        // Adaptive: slows a client down that is throttled, instead of only spreading its retries.
        let retries = RetryConfig::adaptive()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_secs(2));
        loader.timeout_config(timeouts).retry_config(retries)
    }
}

/// A client with the default options, region and keys of the environment.
pub async fn client(endpoint: Option<&str>) -> Client {
    ClientOptions { endpoint: endpoint.map(str::to_owned), ..ClientOptions::default() }.connect().await
}
