//! Secrets that AWS keeps, so that they stand in no configuration: Secrets Manager, or the parameter store of Systems
//! Manager. Read with the feature `secrets`, once a process: a rotated one is known after the next cold start.
//!
//! A secret is named by its ARN or its name, a parameter by its ARN or its name with `ssm:` before it.

/// The variables whose value may be in a secret: that of `NAME_SECRET`.
pub const VARIABLES: [(&str, &str); 4] = [
    ("WEIR_API_KEYS", "WEIR_API_KEYS_SECRET"),
    ("WEIR_NOTIFY", "WEIR_NOTIFY_SECRET"),
    ("WEIR_SINK", "WEIR_SINK_SECRET"),
    ("WEIR_SCHEMA_REGISTRY", "WEIR_SCHEMA_REGISTRY_SECRET"),
];

/// A secret cannot be read. It is told by its name, and never by what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the secret {id} that {variable} names: {reason}")]
pub struct SecretError {
    /// The variable.
    pub variable: String,
    /// What names the secret.
    pub id: String,
    /// Why.
    pub reason: String,
}

impl SecretError {
    pub(crate) fn new(variable: &str, id: &str, reason: impl Into<String>) -> Self {
        Self { variable: variable.to_owned(), id: id.to_owned(), reason: reason.into() }
    }
}

/// The text of a secret that a variable names.
pub async fn read(variable: &str, id: &str) -> Result<String, SecretError> {
    fetch(id).await.map_err(|reason| SecretError::new(variable, id, reason))
}

/// A lookup by name in an environment, in which variables that are not set have what their secrets keep.
pub async fn resolve(
    var: impl Fn(&str) -> Option<String>,
) -> Result<impl Fn(&'static str) -> Option<String>, SecretError> {
    let var = move |name: &str| var(name).filter(|value| !value.is_empty());
    let mut kept = Vec::new();
    for (name, variable) in VARIABLES {
        if let Some(id) = var(variable).filter(|_| var(name).is_none()) {
            kept.push((name, read(variable, &id).await?));
        }
    }
    Ok(move |name| {
        let secret = || kept.iter().find(|(known, _)| *known == name).map(|(_, text)| text.clone());
        var(name).or_else(secret)
    })
}

#[cfg(feature = "secrets")]
async fn fetch(id: &str) -> Result<String, String> {
    use aws_config::{BehaviorVersion, Region};

    use crate::error::causes;

    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = of_arn(id, REGION) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let aws = loader.load().await;
    if let Some(name) = parameter(id) {
        let client = aws_sdk_ssm::Client::new(&aws);
        let found = client.get_parameter().name(name).with_decryption(true).send().await;
        let found = found.map_err(|error| causes(&error))?;
        return found.parameter.and_then(|found| found.value).ok_or_else(|| "it has no value".to_owned());
    }
    let client = aws_sdk_secretsmanager::Client::new(&aws);
    let found = client.get_secret_value().secret_id(id).send().await.map_err(|error| causes(&error))?;
    found.secret_string.ok_or_else(|| "expected text, found bytes".to_owned())
}

#[cfg(not(feature = "secrets"))]
#[expect(clippy::unused_async, reason = "with the feature it asks AWS")]
async fn fetch(_id: &str) -> Result<String, String> {
    Err("this build reads no secrets; build it with the feature secrets".to_owned())
}

/// The parameter of Systems Manager that is named, if it is one.
#[cfg(feature = "secrets")]
fn parameter(id: &str) -> Option<&str> {
    id.strip_prefix("ssm:").or_else(|| (of_arn(id, SERVICE)? == "ssm").then_some(id))
}

/// Where in an ARN its service and its region stand: `arn:PARTITION:SERVICE:REGION:...`
#[cfg(feature = "secrets")]
const SERVICE: usize = 2;
#[cfg(feature = "secrets")]
const REGION: usize = 3;

/// A part of an ARN; none of a name, which is of the environment's region.
#[cfg(feature = "secrets")]
fn of_arn(id: &str, place: usize) -> Option<&str> {
    id.starts_with("arn:").then(|| id.split(':').nth(place)).flatten().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn environment(vars: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        let vars: HashMap<_, _> = vars.iter().copied().collect();
        move |name| vars.get(name).map(|value| (*value).to_owned())
    }

    #[tokio::test]
    async fn what_is_set_asks_for_no_secret() {
        let vars = [("WEIR_SINK", "file:///rows"), ("WEIR_SINK_SECRET", "x"), ("WEIR_NOTIFY_SECRET", "")];
        let var = resolve(environment(&vars)).await.unwrap();
        assert_eq!((var("WEIR_SINK").as_deref(), var("WEIR_NOTIFY")), (Some("file:///rows"), None));
    }

    #[cfg(not(feature = "secrets"))]
    #[tokio::test]
    async fn without_the_feature_a_secret_is_refused_and_the_feature_named() {
        let refused = resolve(environment(&[("WEIR_API_KEYS", ""), ("WEIR_API_KEYS_SECRET", "keys")])).await;
        let Err(error) = refused else { panic!("nobody read the secret") };
        assert_eq!(
            error.to_string(),
            "failed to read the secret keys that WEIR_API_KEYS_SECRET names: this build reads no secrets; \
             build it with the feature secrets"
        );
    }

    #[cfg(feature = "secrets")]
    #[test]
    fn a_parameter_is_told_from_a_secret_and_an_arn_tells_its_region() {
        let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ssm-a1b2c3";
        let in_store = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/weir/keys";
        let regions = [secret, in_store, "keys", "ssm:/weir/keys"].map(|id| of_arn(id, REGION));
        assert_eq!(regions, [Some("eu-central-1"), Some("cn-north-1"), None, None]);
        let parameters = [secret, "ssm", in_store, "ssm:/weir/keys"].map(parameter);
        assert_eq!(parameters, [None, None, Some(in_store), Some("/weir/keys")]);
    }
}
