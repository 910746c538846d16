//! How to reach a cluster.

use std::{collections::BTreeMap, fmt};

use rdkafka::{ClientConfig, consumer::BaseConsumer, error::KafkaError};

use super::{Context, credentials, iam::Iam, listen};
use crate::secrets::SecretError;

/// What a librdkafka property is called in the environment: `security.protocol` is
/// `WEIR_KAFKA_SECURITY_PROTOCOL`.
pub const ENV_PREFIX: &str = "WEIR_KAFKA_";

const BOOTSTRAP: &str = "bootstrap.servers";
/// librdkafka takes either name, and the second where both are set.
const MECHANISMS: [&str; 2] = ["sasl.mechanism", "sasl.mechanisms"];
const PASSWORDS: [&str; 3] = ["password", "secret", "pem"];

/// How to reach a cluster: librdkafka's properties.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KafkaSettings(BTreeMap<String, String>);

impl KafkaSettings {
    /// Those of a cluster without authentication: `host:port`, comma-separated.
    pub fn plain(bootstrap_servers: impl Into<String>) -> Self {
        Self::default().with(BOOTSTRAP, bootstrap_servers)
    }

    /// Those among environment variables that begin with [`ENV_PREFIX`].
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let property = |name: &str| Some(name.strip_prefix(ENV_PREFIX)?.to_lowercase().replace('_', "."));
        Self(vars.into_iter().filter_map(|(name, value)| Some((property(&name)?, value))).collect())
    }

    /// Those of this process's environment.
    pub fn from_env() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::from_vars(std::env::vars_os().filter_map(text))
    }

    /// Sets a property.
    #[must_use]
    pub fn with(mut self, property: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(property.into(), value.into());
        self
    }

    /// These settings, and those of `other` before them.
    #[must_use]
    pub fn overlaid_with(mut self, other: &Self) -> Self {
        self.0.extend(other.0.clone());
        self
    }

    /// The brokers to ask first, comma-separated; none if nothing says where Kafka is.
    pub fn bootstrap_servers(&self) -> Option<&str> {
        self.0.get(BOOTSTRAP).map(String::as_str)
    }

    /// These settings with the credentials of the secrets that `secret` and `ca.secret` name, if they do
    /// (`WEIR_KAFKA_SECRET`, `WEIR_KAFKA_CA_SECRET`). What the settings say themselves goes before.
    pub async fn with_secrets(mut self) -> Result<Self, SecretError> {
        for (name, variable, fields) in credentials::SECRETS {
            if let Some(id) = self.0.remove(name).filter(|id| !id.is_empty()) {
                for (property, value) in credentials::read(variable, &id, fields).await? {
                    self.0.entry(property.to_owned()).or_insert(value);
                }
            }
        }
        Ok(self)
    }

    /// What clients with these settings call back.
    pub fn context(&self) -> Context {
        let mechanism = MECHANISMS.iter().rev().find_map(|name| self.0.get(*name));
        let is_bearer = mechanism.is_some_and(|name| name.eq_ignore_ascii_case("OAUTHBEARER"));
        // librdkafka gets tokens of OpenID Connect by itself.
        let is_oidc =
            self.0.get("sasl.oauthbearer.method").is_some_and(|method| method.eq_ignore_ascii_case("oidc"));
        let iam = is_bearer && !is_oidc;
        let iam = iam.then(|| Iam::of(self.bootstrap_servers().unwrap_or_default()));
        Context::new(iam, mechanism.cloned())
    }

    /// A consumer, with some defaults and these settings over them, that has what it needs to log in.
    pub(crate) fn consumer<'a>(
        &self,
        defaults: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<BaseConsumer<Context>, KafkaError> {
        let consumer = self.client(defaults).create_with_context(self.context())?;
        listen(&consumer);
        Ok(consumer)
    }

    /// A client's configuration: some defaults, and these settings over them.
    pub fn client<'a>(&self, defaults: impl IntoIterator<Item = (&'a str, &'a str)>) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "weir");
        if cfg!(feature = "kafka-tls") && !self.0.keys().any(|property| property.starts_with("ssl.ca.")) {
            // The OpenSSL that is built in looks where it was built, and nowhere where it runs.
            config.set("ssl.ca.location", "probe");
        }
        for (property, value) in defaults {
            config.set(property, value);
        }
        for (property, value) in &self.0 {
            config.set(property, value);
        }
        config
    }
}

impl fmt::Debug for KafkaSettings {
    /// With passwords and keys left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |property: &str, value| {
            if PASSWORDS.iter().any(|secret| property.contains(secret)) { "…" } else { value }
        };
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, shown(name, value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_variables_become_properties() {
        let vars = [
            ("WEIR_KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2"),
            ("WEIR_KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
            ("WEIR_TABLE", "weir"),
            ("PATH", "/bin"),
        ];
        let settings = KafkaSettings::from_vars(vars.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(settings, KafkaSettings::plain("a:1,b:2").with("security.protocol", "SASL_SSL"));
        assert_eq!(settings.bootstrap_servers(), Some("a:1,b:2"));
    }

    #[test]
    fn a_token_is_made_for_bearers_but_those_of_openid_connect() {
        let makes = |properties: &[(&str, &str)]| {
            let with = |settings: KafkaSettings, (name, value): &(&str, &str)| settings.with(*name, *value);
            properties.iter().fold(KafkaSettings::plain("a:1"), with).context().makes_tokens()
        };
        assert!(makes(&[("sasl.mechanisms", "OAUTHBEARER")]));
        assert!(makes(&[("sasl.mechanism", "oauthbearer"), ("sasl.oauthbearer.method", "default")]));
        assert!(!makes(&[("sasl.mechanisms", "OAUTHBEARER"), ("sasl.oauthbearer.method", "OIDC")]));
        assert!(!makes(&[("sasl.mechanisms", "SCRAM-SHA-512")]));
        assert!(!makes(&[]));
    }

    #[tokio::test]
    async fn settings_without_secrets_stay_as_they_are() {
        let settings = KafkaSettings::plain("a:1").with("ca.secret", "");
        assert_eq!(settings.with_secrets().await, Ok(KafkaSettings::plain("a:1")));
    }

    #[test]
    fn settings_go_over_defaults() {
        let config =
            KafkaSettings::default().with("linger.ms", "50").client([("linger.ms", "5"), ("acks", "all")]);
        assert_eq!(config.get("linger.ms"), Some("50"));
        assert_eq!(config.get("acks"), Some("all"));
    }

    #[test]
    fn passwords_are_not_printed() {
        let settings =
            KafkaSettings::plain("a:1").with("sasl.password", "hunter2").with("ssl.key.pem", "k3y");
        let text = format!("{settings:?}");
        assert!(text.contains("a:1") && !text.contains("hunter2") && !text.contains("k3y"), "{text}");
    }
}
