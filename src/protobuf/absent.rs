//! What a build has that reads no records: it takes tables of Protobuf as they are, which `weir check` has checked.

use super::{Record, Schema, SchemaError};

impl Schema {
    /// Reads nothing.
    pub fn parse_with<'t>(
        _: impl IntoIterator<Item = (&'t str, &'t str)>,
        _: &'t str,
    ) -> Result<Self, SchemaError> {
        Err(SchemaError(
            "this build reads no Protobuf; expected one with the feature \"protobuf\"".to_owned(),
        ))
    }
}

impl Record {
    /// Nothing of a file.
    pub fn parse(_: &str, _: Option<&str>) -> Result<Self, SchemaError> {
        Ok(Self::default())
    }
}
