//! What producers are told.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{Problem, events::Rejected};

/// What became of the events of a request.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Only where there is no HTTP status to tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    accepted: usize,
    /// The ids of the accepted ones, in their order, where any has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<Option<String>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Rejected>,
}

impl Answer {
    pub(super) fn new(ids: Vec<Option<String>>, rejected: Vec<Rejected>) -> Self {
        let accepted = ids.len();
        let ids = ids.iter().any(Option::is_some).then_some(ids);
        Self { status: None, accepted, ids, rejected }
    }

    const fn code(&self) -> StatusCode {
        match (self.accepted, self.rejected.is_empty()) {
            (_, true) => StatusCode::ACCEPTED,
            (0, false) => StatusCode::BAD_REQUEST,
            (_, false) => StatusCode::MULTI_STATUS,
        }
    }

    /// Over HTTP.
    pub(super) fn respond(self) -> Result<Response, Problem> {
        let code = self.code();
        if code == StatusCode::BAD_REQUEST {
            return Err(Problem::rejected_events(&self.rejected));
        }
        Ok((code, Json(self)).into_response())
    }

    /// As a message.
    pub(super) fn message(mut self) -> String {
        self.status = Some(self.code().as_u16());
        // Texts and numbers are always JSON.
        serde_json::to_string(&self).unwrap_or_default()
    }
}
