//! SQL text to a checked [`Catalog`]: what tables there are, what views are computed over them.

mod expr;
mod plan;

pub use expr::Expr;
pub use plan::{
    Aggregate, AggregateFunction, Catalog, Column, Field, Input, Options, Output, Source, Table, View, Window,
};
