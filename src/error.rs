//! Errors as text.

use std::error::Error;

/// An error and its causes in a line: `failed to absorb the records of clicks-0: failed to read ...`.
pub fn causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateError;

    #[test]
    fn an_error_is_told_with_its_causes() {
        let source = "connection refused".into();
        let error = StateError::Call { action: "read", subject: "the head of ctr".to_owned(), source };
        assert_eq!(causes(&error), "failed to read the head of ctr: connection refused");
    }
}
