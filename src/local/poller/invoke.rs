//! Calls of a function: in this process, or over Lambda's Invoke API.

use std::future::Future;

use serde::Deserialize;

/// Calls a Lambda function and waits for its answer.
pub trait Invoke: Send + Sync {
    /// The function's answer to a payload.
    fn invoke(
        &self,
        function: &str,
        payload: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, InvokeError>> + Send;
}

/// A call failed. The event source calls again.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function answered with an error.
    #[error("failed to run function {function}: {message}")]
    Function {
        /// The function.
        function: String,
        /// What it said.
        message: String,
    },
    /// The endpoint refused the call.
    #[error("failed to invoke function {function}: the endpoint answered {status}: {body}")]
    Status {
        /// The function.
        function: String,
        /// The HTTP status.
        status: u16,
        /// The answer.
        body: String,
    },
    /// The endpoint could not be reached, or broke off.
    #[error("failed to reach the endpoint of function {function}")]
    Transport {
        /// The function.
        function: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Lambda's Invoke API over plain HTTP, as cargo-lambda and `LocalStack` serve it.
#[derive(Clone, Debug)]
pub struct HttpInvoke {
    endpoint: String,
    client: reqwest::Client,
}

/// The header that tells an error of the function from its answer: both come with status 200.
const FUNCTION_ERROR: &str = "x-amz-function-error";

impl HttpInvoke {
    /// Calls functions at an endpoint: `http://127.0.0.1:9000`.
    pub fn new(endpoint: impl Into<String>) -> Self {
        let endpoint = endpoint.into().trim_end_matches('/').to_owned();
        Self { endpoint, client: reqwest::Client::new() }
    }
}

impl Invoke for HttpInvoke {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let transport = |error: reqwest::Error| InvokeError::Transport {
            function: function.to_owned(),
            source: error.into(),
        };
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let request = self.client.post(url).header("content-type", "application/json").body(payload);
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        let failed = response.headers().contains_key(FUNCTION_ERROR);
        let body = response.bytes().await.map_err(transport)?;
        let text = || String::from_utf8_lossy(&body).into_owned();
        if failed {
            Err(InvokeError::Function { function: function.to_owned(), message: text() })
        } else if !status.is_success() {
            Err(InvokeError::Status { function: function.to_owned(), status: status.as_u16(), body: text() })
        } else {
            Ok(body.into())
        }
    }
}

/// What a function says of the records that it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All are handled.
    Handled,
    /// Those below this offset are handled, the others are to be sent again.
    FailedFrom(i64),
    /// The answer names what was not in the batch: as if the function had failed.
    Senseless,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Item,
}

#[derive(Deserialize)]
struct Item {
    partition: String,
    offset: i64,
}

impl Verdict {
    /// Reads `{"batchItemFailures":[{"itemIdentifier":{"partition":"topic-0","offset":123}}]}`. As in
    /// Lambda, an answer without such a list is a success, and a list that cannot be read is a failure.
    pub(super) fn of(answer: &[u8], label: &str) -> Self {
        let names_failures = memchr::memmem::find(answer, b"batchItemFailures").is_some();
        let failures = match serde_json::from_slice::<Answer>(answer) {
            Ok(answer) => answer.batch_item_failures.unwrap_or_default(),
            Err(_) if names_failures => return Self::Senseless,
            Err(_) => return Self::Handled,
        };
        if failures.iter().any(|failure| failure.item_identifier.partition != label) {
            return Self::Senseless;
        }
        failures
            .iter()
            .map(|failure| failure.item_identifier.offset)
            .min()
            .map_or(Self::Handled, Self::FailedFrom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_as_lambda_reads_it() {
        let failures =
            |items: &str| Verdict::of(format!(r#"{{"batchItemFailures":{items}}}"#).as_bytes(), "t-0");
        assert_eq!(Verdict::of(b"", "t-0"), Verdict::Handled);
        assert_eq!(Verdict::of(b"null", "t-0"), Verdict::Handled);
        assert_eq!(Verdict::of(b"\"fine\"", "t-0"), Verdict::Handled);
        assert_eq!(failures("null"), Verdict::Handled);
        assert_eq!(failures("[]"), Verdict::Handled);
        let two = r#"[{"itemIdentifier":{"partition":"t-0","offset":9}},{"itemIdentifier":{"partition":"t-0","offset":4}}]"#;
        assert_eq!(failures(two), Verdict::FailedFrom(4));
        assert_eq!(failures(r#"[{"itemIdentifier":""}]"#), Verdict::Senseless);
        assert_eq!(failures(r#"[{"itemIdentifier":{"partition":"t-1","offset":9}}]"#), Verdict::Senseless);
    }
}
