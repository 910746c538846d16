//! What a backfill reads from, and where its rows go.

use crate::{
    engine::Settings,
    event::RawBatch,
    publish::{Message, PublishError, Publisher, Topics},
    state::Partition,
    time::{Offset, Timestamp},
};

/// Topics that can be read.
pub trait Log: Topics {
    /// The offset of the partition's oldest record; its end offset where it has none.
    fn start_offset(
        &self,
        topic: &str,
        partition: i32,
    ) -> impl Future<Output = Result<Offset, PublishError>> + Send;

    /// The partition's high watermark: the offset that its next record will get.
    fn end_offset(
        &self,
        topic: &str,
        partition: i32,
    ) -> impl Future<Output = Result<Offset, PublishError>> + Send;

    /// The offset of the first record whose timestamp in the broker is not before a time; the end
    /// offset where there is none.
    fn offset_at(
        &self,
        partition: &Partition,
        at: Timestamp,
    ) -> impl Future<Output = Result<Offset, PublishError>> + Send;

    /// The records of a partition from an offset on, in order: at most `most`, and fewer only where it
    /// had no more before `end`, which is no further than the partition's end offset.
    fn read(
        &self,
        partition: &Partition,
        from: Offset,
        end: Offset,
        most: usize,
    ) -> impl Future<Output = Result<RawBatch, PublishError>> + Send;
}

/// Passes on what views give out; late events and dead letters were given out when they were new.
pub struct Rows<P> {
    to: Option<P>,
    unwanted: [String; 2],
}

impl<P> Rows<P> {
    pub(super) fn new(to: Option<P>, settings: &Settings) -> Self {
        Self { to, unwanted: [settings.late_topic.clone(), settings.dead_letter_topic.clone()] }
    }
}

impl<P: Publisher> Publisher for Rows<P> {
    async fn publish(&self, mut messages: Vec<Message>) -> Result<(), PublishError> {
        let Some(to) = &self.to else { return Ok(()) };
        messages.retain(|message| !self.unwanted.contains(&message.topic));
        if messages.is_empty() { Ok(()) } else { to.publish(messages).await }
    }
}
