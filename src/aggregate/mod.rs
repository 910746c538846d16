//! Accumulators: what an aggregate function knows so far, for many groups at once.
//!
//! They stand in columns, one an aggregate, indexed by group: a slab of a thousand keys is a handful
//! of vectors. Merging is associative, and commutative but for the rounding of float sums, so that
//! slices may be folded one by one and merged when a window closes.
//!
//! What a group's accumulator knows is a function of the multiset of (time, value) pairs that it took in,
//! whatever their order: also of the sketches, which change their form by the number of values and
//! not by how these came.

mod by_time;
mod cardinality;
mod column;
mod distinct;
mod funnel;
mod keys;
mod moments;
mod percentile;
mod state;

pub use keys::KeyTable;

use column::Column;

use crate::{
    codec::{CodecError, Reader},
    sql::Aggregate,
    time::Timestamp,
    value::Value,
};

/// The accumulators of a view's aggregates, for groups 0, 1, 2, ...
#[derive(Clone, Debug)]
pub struct Accumulators(Vec<Column>);

impl Accumulators {
    /// No groups yet.
    pub fn new(aggregates: &[Aggregate]) -> Self {
        Self(aggregates.iter().copied().map(Column::new).collect())
    }

    /// Adds a group that has taken in nothing.
    pub fn push(&mut self) {
        for column in &mut self.0 {
            column.push();
        }
    }

    /// Lets an aggregate of a group take in a value of an event of this time. NULL is taken in by
    /// none, so that `count(*)` is to be given anything else.
    pub fn update(&mut self, aggregate: usize, group: usize, at: Timestamp, value: &Value<'_>) {
        if let Some(column) = self.0.get_mut(aggregate) {
            column.update(group, at, value);
        }
    }

    /// Merges groups of other accumulators of the same aggregates into groups of these: for each
    /// pair, the second (of `other`) into the first (of these).
    pub fn merge(&mut self, other: &Self, pairs: &[(usize, usize)]) {
        for (column, other) in self.0.iter_mut().zip(&other.0) {
            column.merge(other, pairs);
        }
    }

    /// Appends the results of a group, one an aggregate.
    pub fn finish(&self, group: usize, out: &mut Vec<Value<'static>>) {
        out.extend(self.0.iter().map(|column| column.finish(group)));
    }

    /// Appends all groups in binary form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for column in &self.0 {
            column.encode(out);
        }
    }

    /// Reads what [`Accumulators::encode`] wrote for this many groups.
    pub fn decode(
        aggregates: &[Aggregate],
        groups: usize,
        from: &mut Reader<'_>,
    ) -> Result<Self, CodecError> {
        let columns = aggregates.iter().map(|aggregate| Column::decode(*aggregate, groups, from));
        columns.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests;
