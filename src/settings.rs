//! What a function is told by its environment.
//!
//! | variable | is | default |
//! | --- | --- | --- |
//! | `WEIR_SQL` | an SQL file, or a folder of files that end in .sql | `sql` |
//! | `WEIR_TABLE` | the DynamoDB table | `weir` |
//! | `WEIR_DEAD_LETTER_TOPIC` | the topic of records that do not fit their table | `weir.dead_letters` |
//! | `WEIR_LATE_TOPIC` | the topic of events that came too late | `weir.late_events` |
//! | `WEIR_RETENTION_DAYS` | how long slabs are kept: at least as long as the topics keep records | 8 |
//! | `WEIR_READ_CACHE_MILLIS` | how old what `serve` answers may be, 0 to 10000 | 250 |
//! | `WEIR_BROKER` | where the topics are: `kafka`, or `kinesis`, a stream each | `kafka` |
//! | `WEIR_KAFKA_BOOTSTRAP_SERVERS` | the brokers: `host:port`, comma-separated | none: must be set |
//! | `WEIR_KAFKA_...` | any other property of librdkafka: `WEIR_KAFKA_SECURITY_PROTOCOL` is `security.protocol` | |
//! | `WEIR_KAFKA_SECRET` | the secret of Secrets Manager (ARN or name) or parameter of Systems Manager (ARN or `ssm:NAME`) that has the credentials: `{"username", "password"}` or `{"certificate", "privateKey", "privateKeyPassword"}` | none |
//! | `WEIR_KAFKA_CA_SECRET` | the secret whose `certificate` is that of the brokers' certificate authority | none |
//! | `WEIR_API_KEYS` | the API's keys, with commas or white space between: `SECRET`, `write:SECRET`, `read:SECRET` | none: everybody may send events |
//! | `WEIR_PROTECT_READS` | whether reading needs a key too: `true` or `false` | `false` |
//! | `WEIR_CORS_ORIGINS` | the pages of other origins that may use the API: origins with commas between, `local`, or `*` | none |
//! | `WEIR_NOTIFY` | where alerts go: targets between commas or white space | none: they are only logged |
//! | `WEIR_NOTIFY_DEAD_LETTER_TOPIC` | the topic of alerts that no target took | `weir.notify_dead_letters` |
//! | `WEIR_NOTIFY_ATTEMPTS` | how often one delivery is tried, 1 to 100 | 5 |
//! | `WEIR_NOTIFY_TIMEOUT_SECONDS` | how long one attempt may take, 1 to 300 | 5 |
//! | `WEIR_METRICS` | by what metrics are told apart: `function`, `view` (and function), or `off` | `function` |
//! | `WEIR_SINK` | where rows go: targets between commas or white space | none: must be set |
//! | `WEIR_SINK_DEAD_LETTER_TOPIC` | the topic of records that are no rows | `weir.sink_dead_letters` |
//! | `WEIR_SINK_ATTEMPTS` | how often one write is tried, 1 to 100 | 5 |
//! | `WEIR_SINK_TIMEOUT_SECONDS` | how long one attempt may take, 1 to 900 | 30 |
//! | `WEIR_API_KEYS_SECRET`, `WEIR_NOTIFY_SECRET`, `WEIR_SINK_SECRET`, `WEIR_SCHEMA_REGISTRY_SECRET` | the secret whose text is the value, where the variable itself is not set | none |
//! | `WEIR_SCHEMA_REGISTRY` | the schema registry of tables with `format = 'avro-confluent'` or `'protobuf-confluent'`: `https://name:password@host:port` | none: must be set where there is such a table |
//! | `WEIR_SCHEMA_REGISTRY_TOKEN` | a bearer's token for it, in place of name and password | none |
//! | `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL_GLUE`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_ENDPOINT_URL` | another DynamoDB, Kinesis, Glue or Secrets Manager than that of the region | |
//! | `AWS_REGION`, `AWS_ACCESS_KEY_ID`, ... | as everywhere with AWS | |

use std::{path::PathBuf, sync::Arc};

#[cfg(feature = "logs")]
use crate::observe::Observer;
use crate::{
    engine,
    observe::Detail,
    publish::{NOTIFY_DEAD_LETTERS, SINK_DEAD_LETTERS},
    secrets::{self, SecretError},
    sql::{Catalog, LoadError},
    time::Millis,
};

/// How old what a reader answers may be, where nobody says otherwise: less than a client may keep an answer for.
pub const READ_CACHE: Millis = Millis(250);

/// What a function is told by its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the SQL is.
    pub sql: PathBuf,
    /// The DynamoDB table.
    pub table: String,
    /// The engine's settings.
    pub engine: engine::Settings,
    /// How old what a reader answers may be; see [`engine::Reader::remembering`].
    pub read_cache: Millis,
}

/// The environment does not say what a function needs to know.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable that must be set is not.
    #[error("failed to find {name} in the environment: set it to {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A variable has a value that is not one of its kind.
    #[error("failed to read {name} from the environment: found {found:?}, expected {expected}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The SQL cannot be loaded.
    #[error("failed to load the SQL that WEIR_SQL names")]
    Sql(#[from] LoadError),
    /// `WEIR_API_KEYS` is no list of keys.
    #[cfg(feature = "api")]
    #[error("failed to read WEIR_API_KEYS from the environment")]
    Keys(#[from] crate::api::KeyError),
    /// `WEIR_CORS_ORIGINS` is no list of origins.
    #[cfg(feature = "api")]
    #[error("failed to read WEIR_CORS_ORIGINS from the environment")]
    Origins(#[from] crate::api::OriginError),
    /// `WEIR_NOTIFY` is no list of targets.
    #[cfg(feature = "notify")]
    #[error("failed to read WEIR_NOTIFY from the environment")]
    Notify(#[source] crate::notify::TargetError),
    /// `WEIR_SINK` is no list of targets.
    #[cfg(feature = "sink")]
    #[error("failed to read WEIR_SINK from the environment")]
    Sink(#[source] crate::sink::TargetError),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// `WEIR_SCHEMA_REGISTRY` is no address.
    #[cfg(feature = "registry")]
    #[error("failed to read WEIR_SCHEMA_REGISTRY from the environment")]
    Registry(#[from] crate::schemas::AddressError),
    /// AWS Glue's schema registry cannot be reached.
    #[cfg(feature = "registry")]
    #[error(transparent)]
    Glue(#[from] crate::schemas::NoRegion),
    /// A `WEIR_KAFKA_` variable is not what librdkafka takes.
    #[cfg(feature = "kafka")]
    #[error("failed to set up Kafka from the WEIR_KAFKA_ variables")]
    Kafka(#[from] rdkafka::error::KafkaError),
}

impl Settings {
    /// Those of this process's environment.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Those that a lookup by name gives. An empty value is none.
    pub fn from_vars(var: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let var = |name| var(name).filter(|value| !value.is_empty());
        let defaults = engine::Settings::default();
        let retention = match var("WEIR_RETENTION_DAYS") {
            Some(text) => days("WEIR_RETENTION_DAYS", text)?,
            None => defaults.retention,
        };
        let read_cache = match var("WEIR_READ_CACHE_MILLIS") {
            Some(text) => read_cache("WEIR_READ_CACHE_MILLIS", text)?,
            None => READ_CACHE,
        };
        Ok(Self {
            read_cache,
            sql: var("WEIR_SQL").map_or_else(|| "sql".into(), PathBuf::from),
            table: var("WEIR_TABLE").unwrap_or_else(|| "weir".to_owned()),
            engine: engine::Settings {
                dead_letter_topic: var("WEIR_DEAD_LETTER_TOPIC").unwrap_or(defaults.dead_letter_topic),
                late_topic: var("WEIR_LATE_TOPIC").unwrap_or(defaults.late_topic),
                retention,
                ..defaults
            },
        })
    }

    /// The catalog of the SQL.
    pub fn catalog(&self) -> Result<Arc<Catalog>, SettingsError> {
        Ok(Arc::new(Catalog::load(&self.sql)?))
    }

    /// The store, its connection open. Where that fails it is logged: the first call tries again.
    #[cfg(feature = "dynamodb")]
    pub async fn store(&self) -> crate::state::dynamo::DynamoStore {
        use crate::state::dynamo::{DynamoStore, client};
        let store = DynamoStore::new(client(None).await, &self.table);
        if let Err(error) = store.warm().await {
            tracing::warn!(error = crate::error::causes(&error), "failed to warm the store up");
        }
        store
    }

    /// The broker and the store, their connections open.
    #[cfg(all(feature = "dynamodb", feature = "kafka"))]
    pub async fn broker_and_store(
        &self,
        wanted: crate::publish::BrokerUse,
    ) -> Result<(crate::publish::Broker, crate::state::dynamo::DynamoStore), SettingsError> {
        let broker = self.broker().await?;
        let ((), store) = futures::join!(broker.warm(wanted), self.store());
        Ok((broker, store))
    }

    /// The broker that `WEIR_BROKER` says. Kafka's connections are opened in the background, so that an invocation
    /// need not wait for them.
    #[cfg(feature = "kafka")]
    pub async fn broker(&self) -> Result<crate::publish::Broker, SettingsError> {
        use crate::publish::Broker;
        if is_kinesis(|name| std::env::var(name).ok())? {
            kinesis().await
        } else {
            self.publisher().await.map(Broker::Kafka)
        }
    }

    /// The publisher. It connects in the background, so that an invocation need not wait for it.
    #[cfg(feature = "kafka")]
    pub async fn publisher(&self) -> Result<crate::publish::kafka::KafkaPublisher, SettingsError> {
        use crate::publish::kafka::{KafkaPublisher, KafkaSettings};
        let kafka = KafkaSettings::from_env().with_secrets().await?;
        if kafka.bootstrap_servers().is_none() {
            let (name, expected) = ("WEIR_KAFKA_BOOTSTRAP_SERVERS", "the brokers, as host:port,host:port");
            return Err(SettingsError::Missing { name, expected });
        }
        Ok(KafkaPublisher::new(kafka)?)
    }
}

/// The topics of what could not be taken, each with what it is for, by a lookup by name.
pub fn aside_topics(var: impl Fn(&'static str) -> Option<String>) -> [(&'static str, String); 4] {
    let defaults = engine::Settings::default();
    let topic = |name, default: String| var(name).filter(|value| !value.is_empty()).unwrap_or(default);
    [
        ("late", topic("WEIR_LATE_TOPIC", defaults.late_topic)),
        ("dead_letter", topic("WEIR_DEAD_LETTER_TOPIC", defaults.dead_letter_topic)),
        ("notify_dead_letter", topic("WEIR_NOTIFY_DEAD_LETTER_TOPIC", NOTIFY_DEAD_LETTERS.to_owned())),
        ("sink_dead_letter", topic("WEIR_SINK_DEAD_LETTER_TOPIC", SINK_DEAD_LETTERS.to_owned())),
    ]
}

/// Whether the topics are streams of Kinesis, by a lookup by name.
#[cfg(feature = "kafka")]
fn is_kinesis(var: impl Fn(&'static str) -> Option<String>) -> Result<bool, SettingsError> {
    let (name, expected) = ("WEIR_BROKER", "kafka or kinesis");
    match var(name).as_deref() {
        None | Some("" | "kafka") => Ok(false),
        Some("kinesis") => Ok(true),
        Some(found) => Err(SettingsError::Malformed { name, found: found.to_owned(), expected }),
    }
}

#[cfg(all(feature = "kafka", feature = "kinesis"))]
async fn kinesis() -> Result<crate::publish::Broker, SettingsError> {
    Ok(crate::publish::Broker::Kinesis(crate::publish::kinesis::KinesisPublisher::connect().await))
}

#[cfg(all(feature = "kafka", not(feature = "kinesis")))]
#[expect(clippy::unused_async, reason = "as where there is something to wait for")]
async fn kinesis() -> Result<crate::publish::Broker, SettingsError> {
    let (name, expected) = ("WEIR_BROKER", "kafka: this was built without the feature kinesis");
    Err(SettingsError::Malformed { name, found: "kinesis".to_owned(), expected })
}

/// A lookup by name in this process's environment, and in the secrets that it names.
pub async fn variables() -> Result<impl Fn(&'static str) -> Option<String>, SettingsError> {
    Ok(secrets::resolve(|name| std::env::var(name).ok()).await?)
}

/// What the API is told, by a lookup by name. An empty value is none.
#[cfg(feature = "api")]
pub fn api(var: impl Fn(&'static str) -> Option<String>) -> Result<crate::api::Settings, SettingsError> {
    use crate::api::{Access, Origins, Settings};

    let var = |name| var(name).filter(|value| !value.is_empty());
    let (name, expected) = ("WEIR_PROTECT_READS", "true or false");
    let protects_reads = match var(name) {
        None => false,
        Some(text) => text.parse().map_err(|_| SettingsError::Malformed { name, found: text, expected })?,
    };
    Ok(Settings {
        access: Access::parse(&var("WEIR_API_KEYS").unwrap_or_default(), protects_reads)?,
        origins: Origins::parse(&var("WEIR_CORS_ORIGINS").unwrap_or_default())?,
    })
}

/// The schemas of a catalog's records, in the registries of an environment. An empty value is none.
#[cfg(feature = "registry")]
pub async fn schemas(
    catalog: &Catalog,
    var: impl Fn(&'static str) -> Option<String>,
) -> Result<crate::schemas::Schemas, SettingsError> {
    use crate::{
        schemas::{Confluent, Glue, Registry, Schemas},
        sql::{Format, Writer},
        time::SystemClock,
    };

    let var = |name| var(name).filter(|value| !value.is_empty());
    let needs = |formats: [Format; 2]| catalog.tables.iter().any(|table| formats.contains(&table.format));
    let needs_confluent = needs([Format::Avro(Writer::Confluent), Format::Protobuf(Writer::Confluent)]);
    let needs_glue = needs([Format::Avro(Writer::Glue), Format::Protobuf(Writer::Glue)]);
    let (name, expected) = (
        "WEIR_SCHEMA_REGISTRY",
        "the registry of tables with format = 'avro-confluent' or 'protobuf-confluent', as https://name:password@host:port",
    );
    let confluent = match var(name) {
        Some(address) => {
            let token = var("WEIR_SCHEMA_REGISTRY_TOKEN");
            Some(Confluent::new(&address, token.as_deref(), Arc::new(SystemClock))?)
        }
        None if needs_confluent => return Err(SettingsError::Missing { name, expected }),
        None => None,
    };
    let glue = if needs_glue {
        Some(Glue::from_env(var("AWS_ENDPOINT_URL_GLUE"), Arc::new(SystemClock)).await?)
    } else {
        None
    };
    let [confluent, glue] = [
        confluent.map(|registry| Arc::new(registry) as Arc<dyn Registry>),
        glue.map(|registry| Arc::new(registry) as Arc<dyn Registry>),
    ];
    Ok(Schemas::new(confluent, glue))
}

/// What observes a Lambda function's invocations; it sets up log and metrics as the environment says.
#[cfg(feature = "logs")]
pub fn observer(function: &'static str) -> Result<Observer, SettingsError> {
    Ok(Observer::on_lambda(function, metrics(|name| std::env::var(name).ok())?))
}

/// By what metrics are told apart, by a lookup by name; none where there are to be none.
pub fn metrics(var: impl Fn(&'static str) -> Option<String>) -> Result<Option<Detail>, SettingsError> {
    let (name, expected) = ("WEIR_METRICS", "function, view or off");
    match var(name).as_deref() {
        None | Some("" | "function") => Ok(Some(Detail::Function)),
        Some("view") => Ok(Some(Detail::View)),
        Some("off") => Ok(None),
        Some(found) => Err(SettingsError::Malformed { name, found: found.to_owned(), expected }),
    }
}

/// What the notify function is told, by a lookup by name. An empty value is none.
#[cfg(feature = "notify")]
pub fn notify(
    var: impl Fn(&'static str) -> Option<String>,
) -> Result<crate::notify::Settings, SettingsError> {
    use crate::notify::{Settings, Target};

    let var = |name| var(name).filter(|value| !value.is_empty());
    let defaults = Settings::default();
    let timeout = ("WEIR_NOTIFY_TIMEOUT_SECONDS", "a number of seconds from 1 to 300", 300);
    let limits = limits("WEIR_NOTIFY_ATTEMPTS", timeout, defaults.limits, var)?;
    Ok(Settings {
        targets: Target::list(&var("WEIR_NOTIFY").unwrap_or_default()).map_err(SettingsError::Notify)?,
        dead_letter_topic: var("WEIR_NOTIFY_DEAD_LETTER_TOPIC").unwrap_or(defaults.dead_letter_topic),
        limits,
    })
}

/// What the sink function is told, by a lookup by name. An empty value is none.
#[cfg(feature = "sink")]
pub fn sink(var: impl Fn(&'static str) -> Option<String>) -> Result<crate::sink::Settings, SettingsError> {
    use crate::sink::{Settings, Target};

    let var = |name| var(name).filter(|value| !value.is_empty());
    let defaults = Settings::default();
    let targets = Target::list(&var("WEIR_SINK").unwrap_or_default()).map_err(SettingsError::Sink)?;
    if targets.is_empty() {
        let expected = "where rows go, as s3://bucket/prefix,clickhouse://user:password@host:8123/database";
        return Err(SettingsError::Missing { name: "WEIR_SINK", expected });
    }
    let timeout = ("WEIR_SINK_TIMEOUT_SECONDS", "a number of seconds from 1 to 900", 900);
    let limits = limits("WEIR_SINK_ATTEMPTS", timeout, defaults.limits, var)?;
    Ok(Settings {
        targets,
        dead_letter_topic: var("WEIR_SINK_DEAD_LETTER_TOPIC").unwrap_or(defaults.dead_letter_topic),
        limits,
    })
}

/// How hard to try, as two variables say: how often, and how many seconds one attempt may take, that many at
/// most.
#[cfg(any(feature = "notify", feature = "sink"))]
fn limits(
    attempts: &'static str,
    (timeout, expected, most): (&'static str, &'static str, u32),
    defaults: crate::http::Limits,
    var: impl Fn(&'static str) -> Option<String>,
) -> Result<crate::http::Limits, SettingsError> {
    let tries = whole((attempts, "a number from 1 to 100"), var(attempts), 100)?;
    let seconds = whole((timeout, expected), var(timeout), most)?;
    Ok(crate::http::Limits {
        attempts: tries.unwrap_or(defaults.attempts),
        timeout: seconds.map_or(defaults.timeout, |it| std::time::Duration::from_secs(it.get().into())),
        ..defaults
    })
}

/// A variable's value as a number from 1 to `most`.
#[cfg(any(feature = "notify", feature = "sink"))]
fn whole(
    (name, expected): (&'static str, &'static str),
    found: Option<String>,
    most: u32,
) -> Result<Option<std::num::NonZeroU32>, SettingsError> {
    let Some(found) = found else { return Ok(None) };
    match found.parse::<std::num::NonZeroU32>() {
        Ok(number) if number.get() <= most => Ok(Some(number)),
        _ => Err(SettingsError::Malformed { name, found, expected }),
    }
}

fn read_cache(name: &'static str, found: String) -> Result<Millis, SettingsError> {
    let age = found.parse().ok().filter(|age| (0..=10_000).contains(age));
    let expected = "a number of milliseconds from 0 to 10000";
    age.map(Millis).ok_or(SettingsError::Malformed { name, found, expected })
}

fn days(name: &'static str, found: String) -> Result<Millis, SettingsError> {
    let days = found.parse().ok().filter(|days| (1..=3650).contains(days));
    let expected = "a number of days from 1 to 3650";
    days.map(Millis::days).ok_or(SettingsError::Malformed { name, found, expected })
}

#[cfg(test)]
mod tests;
