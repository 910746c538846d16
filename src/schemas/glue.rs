//! AWS Glue's schema registry: `GetSchemaVersion`, signed.
//!
//! It is one request, so it is made by hand: `aws-sdk-glue` brings all of Glue's others. Source: <https://docs.aws.amazon.com/glue/latest/webapi/API_GetSchemaVersion.html>

use std::{
    fmt, io,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::{Credentials, provider::ProvideCredentials as _};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{
    Request,
    header::{CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use serde::Deserialize;
use uuid::Uuid;

use super::{Definition, Registry, RegistryError, ask::Asker};
use crate::{
    error::causes,
    event::SchemaId,
    http::{AGENT, Answer, Failure, Http},
    time::{Clock, Timestamp},
};

const TARGET: &str = "AWSGlue.GetSchemaVersion";
const JSON: &str = "application/x-amz-json-1.1";

/// AWS Glue's schema registry in a region.
pub struct Glue {
    asker: Asker,
    aws: SdkConfig,
    region: String,
    /// `https://glue.eu-west-1.amazonaws.com`.
    endpoint: String,
}

/// AWS Glue's schema registry cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up AWS Glue's schema registry: {0}")]
pub struct NoRegion(String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    schema_definition: String,
    data_format: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
}

impl fmt::Debug for Glue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glue").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Glue {
    /// The registry of the environment's region and keys; `endpoint` goes before `AWS_ENDPOINT_URL`.
    pub async fn from_env(endpoint: Option<String>, clock: Arc<dyn Clock>) -> Result<Self, NoRegion> {
        Self::new(aws_config::defaults(BehaviorVersion::latest()).load().await, endpoint, clock)
    }

    /// The registry of a configuration's region and keys.
    pub fn new(aws: SdkConfig, endpoint: Option<String>, clock: Arc<dyn Clock>) -> Result<Self, NoRegion> {
        let region = aws.region().map(ToString::to_string);
        let region = region.ok_or_else(|| NoRegion("expected a region, as in AWS_REGION".to_owned()))?;
        let http = Http::new().map_err(|error: io::Error| NoRegion(causes(&error)))?;
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let own = || format!("https://glue.{region}.amazonaws.com{suffix}");
        let endpoint = endpoint.or_else(|| aws.endpoint_url().map(str::to_owned)).unwrap_or_else(own);
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { asker: Asker::new(http, clock), aws, region, endpoint })
    }

    async fn definition(&self, id: Uuid) -> Result<Option<Definition>, String> {
        let provider = self.aws.credentials_provider().ok_or("there are no AWS credentials")?;
        let credentials = provider.provide_credentials().await;
        let credentials =
            credentials.map_err(|error| format!("there are no AWS credentials: {}", causes(&error)))?;
        let now = || self.asker.clock.now();
        let request = || self.request(id, credentials.clone(), now());
        let judge = |answer: Answer| judge(&answer).unwrap_or_else(|| Err(answer.failure(now())));
        self.asker.ask(TARGET, request, judge).await.map_err(|reason| format!("{} {reason}", self.endpoint))
    }

    fn request(
        &self,
        id: Uuid,
        credentials: Credentials,
        now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let impossible = |error: &dyn std::error::Error| Failure::impossible(causes(error));
        let body = format!(r#"{{"SchemaVersionId":"{id}"}}"#);
        let mut request = Request::post(format!("{}/", self.endpoint))
            .header(CONTENT_TYPE, JSON)
            .header(USER_AGENT, AGENT)
            .header("x-amz-target", TARGET)
            .body(Full::from(body.clone()))
            .map_err(|error| impossible(&error))?;
        let identity = credentials.into();
        let signing = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("glue")
            .time(UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or_default()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| impossible(&error))?
            .into();
        let signed = [("content-type", JSON), ("x-amz-target", TARGET)].into_iter();
        let uri = request.uri().to_string();
        let signable = SignableRequest::new("POST", uri, signed, SignableBody::Bytes(body.as_bytes()));
        let output = sign(signable.map_err(|error| impossible(&error))?, &signing);
        let (instructions, _) = output.map_err(|error| impossible(&error))?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

impl Registry for Glue {
    fn schema(&self, id: SchemaId) -> BoxFuture<'_, Result<Option<Definition>, RegistryError>> {
        Box::pin(async move {
            let SchemaId::Uuid(uuid) = id else { return Ok(None) };
            self.definition(uuid).await.map_err(|reason| RegistryError { schema: id, reason })
        })
    }
}

/// What an answer says; none where it is a failure like any other.
fn judge(answer: &Answer) -> Option<Result<Option<Definition>, Failure>> {
    if answer.status.is_success() {
        let found = serde_json::from_slice(&answer.body);
        let found = found.map(|Found { schema_definition, data_format }| {
            Some(Definition { kind: data_format, text: schema_definition, references: Vec::new() })
        });
        let wrong = |error| Failure::impossible(format!("answered what is no schema: {error}"));
        return Some(found.map_err(wrong));
    }
    let Refusal { kind } = serde_json::from_slice(&answer.body).ok()?;
    // With a namespace before it, or an address behind it, as the protocol allows.
    if kind.contains("EntityNotFoundException") {
        return Some(Ok(None));
    }
    // Glue says 400 for that.
    let is_passing = kind.contains("Throttling") || kind.contains("OperationTimeoutException");
    is_passing.then(|| Err(Failure::unanswered(answer.reason())))
}
