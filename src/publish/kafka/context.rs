//! What librdkafka calls back: for tokens, and to tell of its brokers.

use std::{
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext,
    client::OAuthToken,
    consumer::{BaseConsumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::iam::Iam;
use crate::error::causes;

/// How long a client's events are listened to before it is asked something.
const LISTEN: Duration = Duration::from_millis(1);

/// What a client of librdkafka calls back. Clones share what it said.
#[derive(Clone, Debug)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    iam: Option<Iam>,
    /// How the client logs in: `SCRAM-SHA-512`.
    mechanism: Option<String>,
    /// What is wrong with the brokers, as the client said last.
    trouble: Mutex<Option<String>>,
}

/// A call failed because of what the client had said of its brokers.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Troubled {
    reason: String,
    #[source]
    source: KafkaError,
}

impl Context {
    pub(super) fn new(iam: Option<Iam>, mechanism: Option<String>) -> Self {
        Self(Arc::new(Inner { iam, mechanism, trouble: Mutex::default() }))
    }

    /// An error with its reason, where the client knows one: by itself a call says no more than that it
    /// waited in vain.
    pub fn explain(&self, error: KafkaError) -> Box<dyn Error + Send + Sync> {
        let trouble = self.trouble().clone().filter(|_| is_in_vain(&error));
        match trouble {
            Some(reason) => Troubled { reason, source: error }.into(),
            None => error.into(),
        }
    }

    /// Whether the client logs in by tokens that are made here.
    pub(super) fn makes_tokens(&self) -> bool {
        self.0.iam.is_some()
    }

    /// The brokers answered: what was wrong with them is no more.
    pub(super) fn is_well(&self) {
        *self.trouble() = None;
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `failed to log in by PLAIN: sasl_ssl://b-1:9096/1: SASL authentication error: ...`.
    fn told(&self, error: &KafkaError, reason: &str) -> String {
        match &self.0.mechanism {
            Some(mechanism) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Authentication) => {
                format!("failed to log in by {mechanism}: {reason}")
            }
            _ => reason.to_owned(),
        }
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn error(&self, error: KafkaError, reason: &str) {
        let told = self.told(&error, reason);
        tracing::error!(target: "rdkafka::client", "librdkafka: {error}: {told}");
        // That all are down says less than why one of them is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.trouble() = Some(told);
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let iam = self.0.iam.as_ref().ok_or("nobody makes tokens for this client")?;
        Ok(iam.token().map_err(|error| causes(&error))?)
    }
}

impl ConsumerContext for Context {}

/// Hears what a client has to say that nobody polls: it asks for a token before it can log in, and has to
/// be polled for that. Records that come meanwhile are dropped.
pub(crate) fn listen<C: ConsumerContext>(consumer: &BaseConsumer<C>) {
    drop(consumer.poll(LISTEN));
}

/// Whether a call waited in vain for brokers.
fn is_in_vain(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        AllBrokersDown, Authentication, BrokerTransportFailure, MessageTimedOut, OperationTimedOut, Resolve,
        SSL,
    };
    let vain = [
        AllBrokersDown,
        Authentication,
        BrokerTransportFailure,
        MessageTimedOut,
        OperationTimedOut,
        Resolve,
        SSL,
    ];
    error.rdkafka_error_code().is_some_and(|code| vain.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::new(None, Some("PLAIN".to_owned()))
    }

    #[test]
    fn what_waited_in_vain_says_why() {
        let context = context();
        let timeout = || KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);
        assert_eq!(context.explain(timeout()).to_string(), timeout().to_string());
        context.error(
            KafkaError::Global(RDKafkaErrorCode::Authentication),
            "sasl_ssl://b-1:9096/1: no such user",
        );
        context.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        let told = "failed to log in by PLAIN: sasl_ssl://b-1:9096/1: no such user";
        let error = context.explain(timeout());
        assert_eq!(error.to_string(), told);
        assert_eq!(error.source().unwrap().to_string(), timeout().to_string());
        let other = || KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic);
        assert_eq!(context.explain(other()).to_string(), other().to_string());
        context.is_well();
        assert_eq!(context.explain(timeout()).to_string(), timeout().to_string());
    }

    #[test]
    fn who_makes_no_tokens_says_so() {
        let Err(error) = context().generate_oauth_token(None) else { panic!("there is a token") };
        assert_eq!(error.to_string(), "nobody makes tokens for this client");
    }
}
