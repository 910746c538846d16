//! Columns of accumulators that are more than a number.

use crate::{
    codec::{CodecError, Reader},
    time::Timestamp,
    value::Value,
};

/// What an aggregate knows of one group.
pub(super) trait State: Clone + Default {
    /// What the aggregate was asked for: its parameters.
    type How: Copy;

    /// Takes in a value of an event of this time. It is not NULL.
    fn update(&mut self, how: Self::How, at: Timestamp, value: &Value<'_>);

    /// Takes in what the other took in: associative and commutative.
    fn merge(&mut self, how: Self::How, other: &Self);

    /// The result.
    fn finish(&self, how: Self::How) -> Value<'static>;

    /// Appends it in binary form.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads what [`State::encode`] wrote.
    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError>;
}

/// The states of one aggregate, one a group.
#[derive(Clone, Debug)]
pub(super) struct States<S: State> {
    how: S::How,
    groups: Vec<S>,
}

impl<S: State> States<S> {
    pub(super) const fn new(how: S::How) -> Self {
        Self { how, groups: Vec::new() }
    }

    pub(super) fn push(&mut self) {
        self.groups.push(S::default());
    }

    pub(super) fn update(&mut self, group: usize, at: Timestamp, value: &Value<'_>) {
        if let Some(state) = self.groups.get_mut(group) {
            state.update(self.how, at, value);
        }
    }

    pub(super) fn merge(&mut self, other: &Self, pairs: &[(usize, usize)]) {
        for (group, other_group) in pairs {
            if let (Some(state), Some(other)) = (self.groups.get_mut(*group), other.groups.get(*other_group))
            {
                state.merge(self.how, other);
            }
        }
    }

    pub(super) fn finish(&self, group: usize) -> Option<Value<'static>> {
        self.groups.get(group).map(|state| state.finish(self.how))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.groups.iter().for_each(|state| state.encode(out));
    }

    pub(super) fn decode(self, groups: usize, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let groups = (0..groups).map(|_| S::decode(from)).collect::<Result<_, _>>()?;
        Ok(Self { how: self.how, groups })
    }
}
