//! Confluent's HTTP API: `GET /schemas/ids/{id}`, and `GET /subjects/{subject}/versions/{version}` for what a
//! schema refers to.
//!
//! Source: <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>

use std::{fmt, io, sync::Arc};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, USER_AGENT},
};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

use super::{Definition, Referred, Registry, RegistryError, ask::Asker};
use crate::{
    error::causes,
    event::SchemaId,
    http::{AGENT, Answer, Failure, Http, basic},
    time::Clock,
};

/// What the API says where there is no such subject, version or schema. Any other 404 comes from something that is
/// no registry.
const UNKNOWN: [u32; 3] = [40401, 40402, 40403];
/// How many schemas one may refer to, directly or through others.
const MAX_REFERENCES: usize = 100;

/// A registry with Confluent's API.
pub struct Confluent {
    asker: Asker,
    /// Without a slash at its end.
    address: String,
    authorization: Option<HeaderValue>,
}

/// Something is no address of a registry. Does not tell what: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to read the address of the schema registry: {0}; expected one such as https://name:password@registry:8081"
)]
pub struct AddressError(String);

#[derive(Deserialize)]
struct Found {
    schema: String,
    #[serde(rename = "schemaType", default = "avro")]
    kind: String,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Clone, Deserialize, PartialEq, Eq)]
struct Reference {
    name: String,
    subject: String,
    version: u32,
}

#[derive(Deserialize)]
struct Refusal {
    error_code: u32,
}

/// What a schema is of where the API does not say it.
fn avro() -> String {
    "AVRO".to_owned()
}

impl fmt::Debug for Confluent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confluent").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Confluent {
    /// The registry at a URL. Name and password in it become basic authentication; `token` goes before them as a
    /// bearer's.
    pub fn new(address: &str, token: Option<&str>, clock: Arc<dyn Clock>) -> Result<Self, AddressError> {
        let wrong = |reason: &dyn fmt::Display| AddressError(reason.to_string());
        let mut url = Url::parse(address).map_err(|error| wrong(&format_args!("it is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(&"it is no plain http:// or https:// URL"));
        }
        let authorization = match token {
            Some(token) => Some(bearer(token).ok_or_else(|| wrong(&"the token makes no header"))?),
            None => basic(&url).map_err(|reason| wrong(&reason))?,
        };
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(wrong(&"it is no URL: it has no host"));
        }
        let http = Http::new().map_err(|error: io::Error| wrong(&causes(&error)))?;
        let address = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { asker: Asker::new(http, clock), address, authorization })
    }

    /// What stands at a path; none where the registry knows that nothing does.
    async fn get(&self, path: &str) -> Result<Option<Found>, String> {
        let request = || {
            let mut request = Request::get(format!("{}{path}", self.address))
                .header(ACCEPT, "application/vnd.schemaregistry.v1+json, application/json")
                .header(USER_AGENT, AGENT);
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            request.body(Full::<Bytes>::default()).map_err(|error| Failure::impossible(causes(&error)))
        };
        let now = self.asker.clock.now();
        let found = self
            .asker
            .ask(path, request, |answer| judge(&answer).unwrap_or_else(|| Err(answer.failure(now))));
        found.await.map_err(|reason| format!("{}{path} {reason}", self.address))
    }

    async fn definition(&self, id: u32) -> Result<Option<Definition>, String> {
        let Some(found) = self.get(&format!("/schemas/ids/{id}")).await? else { return Ok(None) };
        let references = self.referred(found.references).await?;
        Ok(Some(Definition { kind: found.kind, text: found.schema, references }))
    }

    /// Schemas, and those that they refer to, each behind what it refers to.
    async fn referred(&self, references: Vec<Reference>) -> Result<Vec<Referred>, String> {
        enum Step {
            Enter(Reference),
            Leave(Referred),
        }
        let mut steps: Vec<_> = references.into_iter().rev().map(Step::Enter).collect();
        let (mut seen, mut all): (Vec<Reference>, _) = (Vec::new(), Vec::new());
        while let Some(step) = steps.pop() {
            let reference = match step {
                Step::Leave(referred) => {
                    all.push(referred);
                    continue;
                }
                Step::Enter(reference) if seen.contains(&reference) => continue,
                Step::Enter(reference) => reference,
            };
            if seen.len() == MAX_REFERENCES {
                return Err(format!("it refers to more than {MAX_REFERENCES} schemas"));
            }
            let subject = utf8_percent_encode(&reference.subject, NON_ALPHANUMERIC);
            let path = format!("/subjects/{subject}/versions/{}", reference.version);
            let found = self.get(&path).await?;
            let found = found.ok_or_else(|| format!("it refers to {path}, which is not there"))?;
            steps.push(Step::Leave(Referred { name: reference.name.clone(), text: found.schema }));
            seen.push(reference);
            steps.extend(found.references.into_iter().rev().map(Step::Enter));
        }
        Ok(all)
    }
}

impl Registry for Confluent {
    fn schema(&self, id: SchemaId) -> BoxFuture<'_, Result<Option<Definition>, RegistryError>> {
        Box::pin(async move {
            let SchemaId::Number(number) = id else { return Ok(None) };
            self.definition(number).await.map_err(|reason| RegistryError { schema: id, reason })
        })
    }
}

/// What an answer says; none where it is a failure like any other.
fn judge(answer: &Answer) -> Option<Result<Option<Found>, Failure>> {
    if answer.status.is_success() {
        let found = serde_json::from_slice(&answer.body);
        let wrong = |error| Failure::impossible(format!("answered what is no schema: {error}"));
        return Some(found.map(Some).map_err(wrong));
    }
    let is_unknown = answer.status == StatusCode::NOT_FOUND
        && serde_json::from_slice(&answer.body)
            .is_ok_and(|Refusal { error_code }| UNKNOWN.contains(&error_code));
    is_unknown.then_some(Ok(None))
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
