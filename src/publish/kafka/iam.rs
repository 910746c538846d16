//! Tokens for MSK with IAM: a bearer token that is a presigned URL of `kafka-cluster:Connect`, as the
//! [signers of AWS](https://github.com/aws/aws-msk-iam-sasl-signer-python) make it.

use std::{
    io,
    time::{Duration, UNIX_EPOCH},
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials as _, error::CredentialsError},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningError, SigningSettings, sign},
    sign::v4,
};
use rdkafka::client::OAuthToken;

use crate::time::{Clock as _, Millis, SystemClock, Timestamp};

/// How long a token is valid: the longest that MSK takes.
const LIFETIME: Millis = Millis::minutes(15);
/// What the signature is for.
const SERVICE: &str = "kafka-cluster";
const USER_AGENT: &str = concat!("&User-Agent=weir%2F", env!("CARGO_PKG_VERSION"));
/// What stands before the region in the name of an MSK broker: `b-1.events.0f1.c2.kafka.eu-central-1.amazonaws.com`.
const MSK: [&str; 2] = ["kafka", "kafka-serverless"];

/// Makes tokens from the environment's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Iam {
    /// The region that the brokers' names tell; the environment's where they tell none.
    region: Option<String>,
}

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum IamError {
    /// There are no credentials.
    #[error("failed to find credentials of AWS")]
    Credentials(#[from] CredentialsError),
    /// Nothing tells the region.
    #[error(
        "failed to find the region of the brokers: expected AWS_REGION, or brokers that are named by MSK"
    )]
    Region,
    /// The URL cannot be signed.
    #[error("failed to sign the token")]
    Signing(#[from] SigningError),
    /// Something that a signature is of is missing.
    #[error("failed to sign the token")]
    Incomplete(#[from] v4::signing_params::BuildError),
    /// Region and credentials make no URL.
    #[error("failed to make the token's URL")]
    Url(#[from] http::Error),
    /// There is no thread to do it on.
    #[error("failed to start a thread")]
    Thread(#[from] io::Error),
    /// The thread panicked.
    #[error("failed to end the thread that asks for credentials")]
    Panicked,
}

impl Iam {
    /// For the brokers `host:port`, comma-separated.
    pub(super) fn of(bootstrap_servers: &str) -> Self {
        Self { region: region(bootstrap_servers).map(str::to_owned) }
    }

    /// A token, of credentials that are asked for now: they may have been rotated. Blocks.
    ///
    /// The callers are threads of librdkafka, which have no runtime, and those of runtimes, which may begin none
    /// in another: so it has a thread of its own.
    pub(super) fn token(&self) -> Result<OAuthToken, IamError> {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.fetch())
        };
        let named = std::thread::Builder::new().name("weir-iam".to_owned());
        std::thread::scope(|scope| named.spawn_scoped(scope, work)?.join().unwrap_or(Err(IamError::Panicked)))
    }

    async fn fetch(&self) -> Result<OAuthToken, IamError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let aws = loader.load().await;
        let region = aws.region().ok_or(IamError::Region)?;
        let provider = aws.credentials_provider();
        let provider = provider.ok_or_else(|| CredentialsError::not_loaded("none are configured"))?;
        token(&provider.provide_credentials().await?, region.as_ref(), SystemClock.now())
    }
}

/// The region in the first name that is one of MSK's.
fn region(bootstrap_servers: &str) -> Option<&str> {
    bootstrap_servers.split(',').find_map(|server| {
        let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let mut labels = host.trim().split('.').skip_while(|label| !MSK.contains(label)).skip(1);
        let region = labels.next()?;
        (labels.next() == Some("amazonaws")).then_some(region)
    })
}

fn token(credentials: &Credentials, region: &str, now: Timestamp) -> Result<OAuthToken, IamError> {
    let url = format!("{}{USER_AGENT}", presigned(credentials, region, now)?);
    Ok(OAuthToken {
        token: base64_simd::URL_SAFE_NO_PAD.encode_to_string(url),
        principal_name: credentials.access_key_id().to_owned(),
        lifetime_ms: (now + LIFETIME).0,
    })
}

fn presigned(credentials: &Credentials, region: &str, now: Timestamp) -> Result<http::Uri, IamError> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_millis(LIFETIME.0.unsigned_abs()));
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(UNIX_EPOCH + Duration::from_millis(now.0.unsigned_abs()))
        .settings(settings)
        .build()?;
    let url = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
    let mut request = http::Request::get(&url).body(())?;
    let signable = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(signable, &params.into())?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T12:34:56Z.
    const NOW: Timestamp = Timestamp(1_795_264_496_000);
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The URL that a token is, its parameters in order.
    fn url(key: &str, session: Option<&str>, region: &str) -> Vec<String> {
        let credentials = Credentials::new(key, SECRET, session.map(str::to_owned), None, "test");
        let token = token(&credentials, region, NOW).unwrap();
        assert_eq!((token.principal_name.as_str(), token.lifetime_ms), (key, 1_795_265_396_000));
        let url = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token.token).unwrap();
        parts(str::from_utf8(&url).unwrap())
    }

    fn parts(url: &str) -> Vec<String> {
        let mut parts: Vec<_> = url.split(['?', '&']).map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    }

    /// Tokens of aws-msk-iam-sasl-signer-python 1.0.2 at that time, but for the User-Agent.
    #[test]
    fn a_token_is_that_of_the_signer_of_aws() {
        let expected = "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect\
            &X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-central-1%2Fkafka-cluster%2Faws4_request\
            &X-Amz-Date=20261121T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=f727b39289f15290e76a66b4852fb9cad6d8740d39a271298c4ec49ef27cfe93";
        assert_eq!(url("AKIDEXAMPLE", None, "eu-central-1"), parts(&format!("{expected}{USER_AGENT}")));
    }

    #[test]
    fn a_token_of_a_role_has_its_session() {
        let expected = "https://kafka.cn-north-1.amazonaws.com/?Action=kafka-cluster%3AConnect\
            &X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=ASIAEXAMPLE%2F20261121%2Fcn-north-1%2Fkafka-cluster%2Faws4_request\
            &X-Amz-Date=20261121T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
            &X-Amz-Security-Token=IQoJb3JpZ2luX2VjE%2F%2BA%3D%3D%26x%20y~z\
            &X-Amz-Signature=fae30084b83ca365f80a055d9fbe0877430f516beac02ec53525d76737eb70d9";
        let session = Some("IQoJb3JpZ2luX2VjE/+A==&x y~z");
        assert_eq!(url("ASIAEXAMPLE", session, "cn-north-1"), parts(&format!("{expected}{USER_AGENT}")));
    }

    #[test]
    fn the_region_is_that_of_the_brokers() {
        let serverless = "boot-ab.c2.kafka-serverless.eu-west-1.amazonaws.com:9098";
        assert_eq!(region(serverless), Some("eu-west-1"));
        assert_eq!(
            region("10.0.0.1:9098, b-1.x.y.c1.kafka.cn-north-1.amazonaws.com.cn:9098"),
            Some("cn-north-1")
        );
        assert_eq!(region("kafka.example.com:9098,localhost"), None);
    }
}
