//! A backfill's run: partitions begun, read, and left to functions.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{BackfillError, Log, MOST_BATCH, Options, Rows, Start, Summary};
use crate::{
    engine::Engine,
    event::RawBatch,
    publish::{Publisher, Standing},
    state::{Advance, Backfill, Head, Partition, Progress, Store, ViewId},
    time::{Clock, Millis, Offset, Timestamp},
};

/// How long to wait for functions to join, before looking again.
const PAUSE: Duration = Duration::from_millis(100);

/// A backfill on its way.
pub(super) struct Run<S, P, L> {
    pub(super) id: ViewId,
    pub(super) name: String,
    pub(super) idle_timeout: Millis,
    pub(super) topics: BTreeSet<String>,
    pub(super) engine: Engine<S, Rows<P>, L>,
    pub(super) store: S,
    pub(super) log: L,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: Options,
}

/// How a partition stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is more.
    More,
    /// It had no whole batch any more.
    Short,
    /// It has nothing that the head has not.
    AtEnd,
}

impl<S: Store, P: Publisher, L: Log> Run<S, P, L> {
    pub(super) async fn run(self, mut progress: impl FnMut(&Summary)) -> Result<Summary, BackfillError> {
        let head = self.begin().await?;
        let mut summary = Summary { total: self.left(&head).await?, ..Summary::default() };
        for (partition, at) in filling(&head).filter(|(_, at)| at.largest > Timestamp::MIN) {
            self.repeat(partition, at, &mut summary).await?;
        }
        loop {
            let is_through = self.lap(&mut summary, &mut progress).await?;
            if is_through || !self.options.join {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let head = self.store.head(&self.id).await?;
        summary.partitions = head.partitions.len();
        summary.joined = head.partitions.values().filter(|p| p.backfill == Backfill::Joined).count();
        Ok(summary)
    }

    /// Begins each partition that was not begun. A state that functions made is left alone.
    async fn begin(&self) -> Result<Head, BackfillError> {
        let head = self.of_backfill(self.store.head(&self.id).await?)?;
        for topic in &self.topics {
            let numbers = self.log.partitions(topic).await?;
            for index in numbers.ok_or_else(|| BackfillError::NoTopic(topic.clone()))? {
                let partition = Partition { topic: topic.as_str().into(), index };
                if !head.partitions.contains_key(&partition) {
                    let from = self.first(&partition).await?;
                    self.store.begin_backfill(&self.id, &partition, from, self.clock.now()).await?;
                }
            }
        }
        self.of_backfill(self.store.head(&self.id).await?)
    }

    /// A head, all of whose partitions were begun by a backfill.
    fn of_backfill(&self, head: Head) -> Result<Head, BackfillError> {
        let is_live = |(_, progress): &(&Partition, &Progress)| progress.backfill == Backfill::Never;
        let Some((partition, progress)) = head.partitions.iter().find(is_live) else { return Ok(head) };
        let (view, id) = (self.name.clone(), self.id.clone());
        Err(BackfillError::Live { view, id, partition: partition.clone(), next: progress.next })
    }

    /// Gives the engine the last records once more that it was given, as an event source would after
    /// a crash.
    async fn repeat(
        &self,
        partition: &Partition,
        at: &Progress,
        summary: &mut Summary,
    ) -> Result<(), BackfillError> {
        let batch = self.last_records(partition, at.next).await?;
        if !batch.records.is_empty() {
            summary.rows += self.engine.absorb(&batch).await?.rows;
        }
        Ok(())
    }

    /// The last [`MOST_BATCH`] records before an offset, or more; all where there are fewer.
    async fn last_records(&self, partition: &Partition, next: Offset) -> Result<RawBatch, BackfillError> {
        let start = self.log.start_offset(&partition.topic, partition.index).await?;
        if start >= next {
            return Ok(RawBatch::default());
        }
        let mut span = MOST_BATCH;
        loop {
            let from = next.less(span).max(start);
            let batch = self.log.read(partition, from, next, span).await?;
            if from <= start || batch.records.len() >= MOST_BATCH {
                return Ok(batch);
            }
            // Compaction left fewer records than there are offsets.
            span = span.saturating_mul(2);
        }
    }

    /// Where a partition begins.
    async fn first(&self, partition: &Partition) -> Result<Offset, BackfillError> {
        let Partition { topic, index } = partition;
        let start = self.log.start_offset(topic, *index).await?;
        Ok(match self.options.from {
            Start::Earliest => start,
            Start::Offset(wanted) => wanted.min(self.log.end_offset(topic, *index).await?).max(start),
            Start::Time(at) => self.log.offset_at(partition, at).await?.max(start),
        })
    }

    /// How many offsets there are to be read.
    async fn left(&self, head: &Head) -> Result<u64, BackfillError> {
        let mut left = 0;
        for (Partition { topic, index }, progress) in filling(head) {
            let end = self.log.end_offset(topic, *index).await?;
            left += end.since(progress.next);
        }
        Ok(left)
    }

    /// Reads all partitions until each had no whole batch any more. The one that is furthest behind in
    /// event time comes first: reading ahead in one makes nothing late in another. Answers whether
    /// nothing is left that no function has joined.
    async fn lap(
        &self,
        summary: &mut Summary,
        progress: &mut impl FnMut(&Summary),
    ) -> Result<bool, BackfillError> {
        let (mut read, mut is_through) = (BTreeSet::new(), true);
        loop {
            let head = self.store.head(&self.id).await?;
            let open = filling(&head).filter(|(partition, _)| !read.contains(*partition));
            let Some((partition, at)) = open.min_by_key(|(_, at)| at.largest) else { break };
            if self.mark_idle(&head, &read, at.largest).await? {
                continue;
            }
            let step = self.step(partition, at, summary).await?;
            progress(summary);
            if step != Step::More {
                is_through &= step == Step::AtEnd;
                read.insert(partition.clone());
            }
        }
        Ok(is_through)
    }

    async fn step(
        &self,
        partition: &Partition,
        at: &Progress,
        summary: &mut Summary,
    ) -> Result<Step, BackfillError> {
        let Partition { topic, index } = partition;
        let end = self.log.end_offset(topic, *index).await?;
        if end <= at.next {
            return Ok(Step::AtEnd);
        }
        let batch = self.log.read(partition, at.next, end, self.batch()).await?;
        let Some(first) = batch.records.first() else {
            // What is left are no records (marks of transactions, or what compaction took).
            self.pass(partition, at, end).await?;
            return Ok(Step::Short);
        };
        if first.offset > at.next {
            let start = self.log.start_offset(topic, *index).await?.min(first.offset);
            summary.lost += start.since(at.next);
        }
        summary.add(&self.engine.absorb(&batch).await?);
        Ok(if batch.records.len() < self.batch() { Step::Short } else { Step::More })
    }

    fn batch(&self) -> usize {
        self.options.batch.clamp(1, MOST_BATCH)
    }

    /// Moves a partition over offsets that have no records.
    async fn pass(&self, partition: &Partition, at: &Progress, next: Offset) -> Result<(), BackfillError> {
        let step = Advance {
            partition: partition.clone(),
            epoch: at.epoch,
            next,
            largest: at.largest,
            seen_at: self.clock.now(),
            floor: at.floor,
            backfill: at.backfill,
        };
        self.store.advance(&self.id, step).await?;
        Ok(())
    }

    /// Marks partitions idle that have nothing left while the others are read beyond `idle_timeout`
    /// after their last event, so that they hold no window open: as `sweep` does by the wall clock.
    /// Answers whether it marked any.
    async fn mark_idle(
        &self,
        head: &Head,
        read: &BTreeSet<Partition>,
        now: Timestamp,
    ) -> Result<bool, BackfillError> {
        let mut is_changed = false;
        for (partition, at) in filling(head).filter(|(partition, _)| read.contains(*partition)) {
            let Partition { topic, index } = partition;
            let is_silent = at.largest + self.idle_timeout < now && at.idle_at != Some(at.next);
            if is_silent && self.log.standing(topic, *index, at.next).await? == Standing::CaughtUp {
                self.store.mark_idle(&self.id, partition, at.next).await?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}

/// The partitions that the backfill has to read.
fn filling(head: &Head) -> impl Iterator<Item = (&Partition, &Progress)> {
    head.partitions.iter().filter(|(_, progress)| progress.backfill == Backfill::Filling)
}
