//! Credentials of brokers that a secret keeps, in the form that Lambda's event sources ask for: name and
//! password, or a certificate and its key.

use serde_json::{Map, Value};

use crate::secrets::{self, SecretError};

/// A field of a secret, and librdkafka's property that it is.
pub(super) type Fields = &'static [(&'static str, &'static str)];

/// What names a secret among the settings, by what variable, and what is in it.
pub(super) const SECRETS: [(&str, &str, Fields); 2] = [
    (
        "secret",
        "WEIR_KAFKA_SECRET",
        &[
            ("username", "sasl.username"),
            ("password", "sasl.password"),
            ("certificate", "ssl.certificate.pem"),
            ("privateKey", "ssl.key.pem"),
            ("privateKeyPassword", "ssl.key.password"),
        ],
    ),
    ("ca.secret", "WEIR_KAFKA_CA_SECRET", &[("certificate", "ssl.ca.pem")]),
];

/// The properties that a secret has.
pub(super) async fn read(
    variable: &str,
    id: &str,
    fields: Fields,
) -> Result<Vec<(&'static str, String)>, SecretError> {
    let text = secrets::read(variable, id).await?;
    properties(&text, fields).map_err(|reason| SecretError::new(variable, id, reason))
}

fn properties(text: &str, fields: Fields) -> Result<Vec<(&'static str, String)>, String> {
    let expected = || {
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        format!("expected an object of JSON with texts as {}", names.join(", "))
    };
    let secret: Map<String, Value> = serde_json::from_str(text).map_err(|_| expected())?;
    let property = |(name, property): &(&str, &'static str)| {
        Some((*property, secret.get(*name)?.as_str().filter(|text| !text.is_empty())?.to_owned()))
    };
    let found: Vec<_> = fields.iter().filter_map(property).collect();
    if found.is_empty() { Err(expected()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_lambdas_event_sources_is_read() {
        let [(_, _, fields), (_, _, ca)] = SECRETS;
        let scram = r#"{"username": "weir", "password": "s3cret", "dbname": "x"}"#;
        let expected = [("sasl.username", "weir"), ("sasl.password", "s3cret")];
        assert_eq!(properties(scram, fields).unwrap(), expected.map(|(name, text)| (name, text.to_owned())));
        let mtls = r#"{"certificate": "CERT", "privateKey": "KEY", "privateKeyPassword": ""}"#;
        let expected = [("ssl.certificate.pem", "CERT"), ("ssl.key.pem", "KEY")];
        assert_eq!(properties(mtls, fields).unwrap(), expected.map(|(name, text)| (name, text.to_owned())));
        assert_eq!(properties(r#"{"certificate": "CA"}"#, ca).unwrap(), [("ssl.ca.pem", "CA".to_owned())]);
    }

    #[test]
    fn what_is_no_such_secret_is_refused_without_showing_it() {
        let [_, (_, _, ca)] = SECRETS;
        for text in ["s3cret", "[]", r#"{"password": "s3cret"}"#, r#"{"certificate": 1}"#] {
            let reason = properties(text, ca).unwrap_err();
            assert_eq!(reason, "expected an object of JSON with texts as certificate");
        }
    }
}
