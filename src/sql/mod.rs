//! SQL text to a checked [`Catalog`]: what tables there are, what views are computed over them.
//!
//! Files are cut into statements and parsed (`statement`); tables are checked first (`table`), then
//! views (`view`) in the order in which SQL means them: FROM (`relation`), WHERE, GROUP BY, SELECT,
//! HAVING. `bind` turns the parser's expressions into typed ones over slots of a row (`expr`).
//! Nothing stops at the first mistake: [`SqlErrors`] holds all that were found.

mod bind;
mod catalog;
mod describe;
mod duration;
mod error;
mod expr;
mod fingerprint;
mod names;
mod nesting;
mod options;
mod plan;
mod relation;
mod shape;
mod statement;
mod table;
mod types;
mod union;
mod view;

pub use catalog::LoadError;
pub use error::{SqlError, SqlErrors, SqlFile};
pub use expr::{Comparison, DatePart, Expr, Function, parse_timestamp};
pub use plan::{
    Aggregate, AggregateFunction, Catalog, Column, Field, Input, Options, Output, Source, Table, View, Window,
};
