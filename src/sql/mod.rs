//! SQL text to a checked [`Catalog`]: what tables there are, what views are computed over them.
//!
//! Files are cut into statements and parsed (`statement`); tables are checked first (`table`), then
//! views (`view`) in the order in which SQL means them: FROM (`relation`), WHERE, GROUP BY, SELECT,
//! HAVING. `bind` turns the parser's expressions into typed ones over slots of a row (`expr`).
//! Nothing stops at the first mistake: [`SqlErrors`] holds all that were found.
//!
//! Where SQL's dialects differ:
//!
//! | | |
//! | --- | --- |
//! | names | exactly, else without regard to case if that is unambiguous; in double quotes exactly |
//! | an alias | is known to the columns behind it, to HAVING and to GROUP BY; a column of FROM with its name goes before it in GROUP BY, a group key everywhere |
//! | `a / b` | is a DOUBLE; `a / 0` is NULL |
//! | overflow | of a BIGINT and a DOUBLE that is not finite are NULL; a failed cast too |
//! | INTERVAL | is its milliseconds, a BIGINT; so is the difference of two timestamps |
//! | BIGINT beside TIMESTAMP | counts milliseconds since the epoch |
//! | a text literal beside TIMESTAMP | is read as ISO 8601, in UTC unless it has an offset |
//! | `CAST(x AS BIGINT)` | cuts the fraction off, as Flink does |
//! | EXTRACT | is a BIGINT, in UTC; DOW counts from Sunday (0), as in Postgres |
//! | `j -> 'a'`, `j ->> 'a'` | JSON and text; JSON's null is NULL as text; indexes count from 0 |
//! | window_start, window_end | are TIMESTAMPs and in every row, whether or not SELECT names them |

mod aggregates;
mod bind;
mod catalog;
mod describe;
mod draft;
pub(crate) mod duration;
mod entrance;
mod error;
mod expr;
mod fallback;
mod fingerprint;
mod format;
mod known;
mod names;
mod nesting;
mod options;
mod pattern;
mod plan;
mod recognize;
mod relation;
mod shape;
mod statement;
mod table;
mod template;
mod topics;
mod types;
mod union;
mod view;

pub(crate) use plan::SOURCE_RECORD;

pub use aggregates::{Aggregate, AggregateFunction, Fraction, MOST_STEPS, Spread};
pub use catalog::{Draft, LoadError};
pub use error::{SqlError, SqlErrors, SqlFile};
pub use expr::{Comparison, DatePart, Expr, Function, Regexp, parse_timestamp};
pub use pattern::{Pattern, PatternVariable, Pick, Runs, Skip};
pub use plan::{
    ALERTS, Catalog, Column, Earlier, Entrance, Fallback, Field, Format, Input, Options, Origin, Output,
    Sentence, Source, Table, View, Window, Writer,
};
pub use template::{Hole, Template};
pub use topics::TopicRole;
