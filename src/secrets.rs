//! Secrets that AWS Secrets Manager keeps, so that they stand in no configuration. Read with the feature
//! `secrets`, once a process: a rotated one is known after the next cold start.

/// The variables whose value may be in a secret: that of `NAME_SECRET`, its ARN or its name.
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
    /// The secret's ARN or name.
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
    use aws_config::BehaviorVersion;
    use aws_sdk_secretsmanager::{Client, config::Region};

    use crate::error::causes;

    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = region(id) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let client = Client::new(&loader.load().await);
    let found = client.get_secret_value().secret_id(id).send().await.map_err(|error| causes(&error))?;
    found.secret_string.ok_or_else(|| "expected text, found bytes".to_owned())
}

#[cfg(not(feature = "secrets"))]
#[expect(clippy::unused_async, reason = "with the feature it asks Secrets Manager")]
async fn fetch(_id: &str) -> Result<String, String> {
    Err("this build knows no Secrets Manager; build it with the feature secrets".to_owned())
}

/// The region of an ARN; none of a name, which is of the environment's.
#[cfg(feature = "secrets")]
fn region(id: &str) -> Option<&str> {
    id.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
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
            "failed to read the secret keys that WEIR_API_KEYS_SECRET names: this build knows no Secrets Manager; \
             build it with the feature secrets"
        );
    }

    #[cfg(feature = "secrets")]
    #[test]
    fn an_arn_tells_its_region() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-a1b2c3";
        assert_eq!((region(arn), region("keys")), (Some("eu-central-1"), None));
    }
}
