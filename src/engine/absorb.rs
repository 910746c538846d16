//! Absorbing a batch: the steps of the protocol, in their order.

mod letters;

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Absorbed, Engine, EngineError,
    close::Closing,
    fold::{Fold, Indexes, Start, Stop},
    leaf::Leaves,
    slab::Slab,
    stored::Put,
    view::{ViewRuntime, Windows, closed},
    writer::Writer,
};
use crate::{
    event::{Batch, RawBatch, decode_by},
    observe::{SlabWritten, ViewAbsorbed},
    publish::{Publisher, Standing, Topics},
    sql::{Origin, Source},
    state::{Advance, Backfill, Head, ItemKey, Partition, Progress, Scope, Store, Written},
    time::{Offset, Timestamp},
};

/// How often slabs that others keep writing are read anew before the batch is left to redelivery.
const ATTEMPTS: u32 = 10;

/// One view's share of a batch.
struct Task<'a> {
    view_index: usize,
    view: &'a ViewRuntime,
    source: &'a Source,
    batch: &'a Batch<'a>,
    partition: Partition,
}

impl Task<'_> {
    /// What is closed together with the partition.
    fn scope(&self) -> Scope {
        let begins = self.batch.records.first().map_or(Offset::FIRST, |record| record.offset);
        self.view.scope(&self.partition, begins)
    }
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Absorbs a batch into all views that read its topic, and closes what becomes due. On an error
    /// the batch is to be given again, whole or cut anew: what was done already is not done twice.
    pub async fn absorb(&self, raw: &RawBatch) -> Result<Absorbed, EngineError> {
        let mut tables = self.catalog.tables.iter().enumerate();
        let table = tables.find(|(_, table)| table.topic == raw.topic);
        let (index, table) = table.ok_or_else(|| EngineError::UnknownTopic {
            topic: raw.topic.clone(),
            known: self.catalog.tables.iter().map(|t| t.topic.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        let writers = self.schemas.of(raw, table).await?;
        let batch = decode_by(raw, table, &writers, self.clock.now());
        let partition = Partition { topic: raw.topic.as_str().into(), index: raw.partition };
        let mut tasks = Vec::new();
        for (view_index, view) in self.views.iter().enumerate() {
            for source in view.plan.sources.iter().filter(|source| source.origin == Origin::Table(index)) {
                let head = self.store.head(&view.id).await?;
                let partition = partition.clone();
                tasks.push((Task { view_index, view, source, batch: &batch, partition }, head));
            }
        }
        // A view that leaves the batch to its backfill has had it neither before nor now.
        let mut absorbed = Vec::with_capacity(tasks.len());
        for (task, head) in &tasks {
            let progress = progress(head, &task.partition);
            if !self.is_left_to_backfill(task, 0, &progress).await? {
                absorbed.push(progress.next);
            }
        }
        let absorbed_by_all = absorbed.into_iter().min().unwrap_or_default();
        let dead = self.publish_dead_letters(&batch, absorbed_by_all).await?;
        let largest =
            batch.records.iter().filter_map(|record| record.event_time.as_ref().ok()).max().copied();
        let mut total =
            Absorbed { records: batch.records.len() as u64, dead, largest, ..Absorbed::default() };
        for (task, head) in tasks {
            self.absorb_into(&task, head, &mut total).await?;
        }
        Ok(total)
    }

    async fn absorb_into(
        &self,
        task: &Task<'_>,
        head: Head,
        total: &mut Absorbed,
    ) -> Result<(), EngineError> {
        let writer = self.writer(task.view_index, &task.partition);
        let mut writer = writer.lock().await;
        let sources = self.sources(task.view, &head, Some(&task.partition)).await?;
        let scope = task.scope();
        let (mut head, mut from, mut cut_at, mut conflicts, mut reported) = (head, 0, None, 0, 0);
        loop {
            let progress = progress(&head, &task.partition);
            if self.is_left_to_backfill(task, from, &progress).await? {
                Self::defer(task, from, total);
                return Ok(());
            }
            if self.is_made_anew(task, from, &progress).await? {
                self.store.restart(&task.view.id, &task.partition, progress.epoch).await?;
                head = self.store.head(&task.view.id).await?;
                continue;
            }
            writer.sync(task.view, &progress);
            if conflicts > 0 {
                writer.distrust();
            }
            let start = Start {
                next: progress.next,
                largest: progress.largest,
                others: task.view.lowest(&head, sources.iter().filter(|other| **other != task.partition)),
                closed: closed(&head, scope),
                was_idle: progress.idle_at == Some(progress.next),
            };
            writer.load_index(&self.store, task.view, &task.partition, progress.floor).await?;
            // From here on memory is ahead of the store. Whatever ends this early, forgets it.
            writer.invalidate();
            let mut fold = Fold::new(task.view, task.source, task.batch, &task.partition, from, start);
            fold.resume_behind_cut(cut_at);
            let stop = self.fold(task, &mut fold, &mut writer).await?;
            // Before the slabs: what a slab has is skipped by a redelivery, with all before it.
            self.publish_late(task, &fold, &mut reported).await?;
            if self.put_slabs(task, progress.lineage().backfilled, &mut writer).await? == Written::Conflict {
                conflicts += 1;
                if conflicts == ATTEMPTS {
                    let (view, partition) = (task.view.plan.name.clone(), task.partition.clone());
                    return Err(EngineError::Contended { view, partition, attempts: ATTEMPTS });
                }
                head = self.store.head(&task.view.id).await?;
                continue;
            }
            head = self.advance(task, &fold, &progress, &mut writer, head).await?;
            if is_begun_meanwhile(&head, &task.partition, &progress) {
                writer.invalidate();
                Self::defer(task, from, total);
                return Ok(());
            }
            writer.rows = std::mem::take(&mut fold.rows);
            let closing = Closing {
                view_index: task.view_index,
                view: task.view,
                head: &head,
                sources: &sources,
                scope,
                closed: closed(&head, scope),
                watermark: task.view.watermark(&head, &sources, scope),
                touched: &fold.touched,
                is_flush: false,
            };
            let given = self.close(closing, Some((&task.partition, &mut writer))).await?;
            total.rows += given.rows;
            total.windows += given.windows;
            add(task, &fold, total);
            self.tell_watermark(task.view, &head, &sources);
            from = fold.position();
            if stop == Stop::End {
                return Ok(());
            }
            cut_at = Some(from);
            head = self.store.head(&task.view.id).await?;
        }
    }

    /// Leaves the records from `from` on to a backfill.
    fn defer(task: &Task<'_>, from: usize, total: &mut Absorbed) {
        let deferred = (task.batch.records.len() - from) as u64;
        total.deferred += deferred;
        ViewAbsorbed { view: &task.view.plan.name, deferred, ..ViewAbsorbed::default() }.emit();
    }

    /// Whether the records from `from` on are a backfill's to bring: there is a gap before them that only
    /// it can fill. It reads the end of the topic after it has moved the head, so what is in the topic
    /// now is before that end. Offsets that are no records', such as those of transactions' marks, are no gap.
    async fn is_left_to_backfill(
        &self,
        task: &Task<'_>,
        from: usize,
        progress: &Progress,
    ) -> Result<bool, EngineError> {
        let first = task.batch.records.get(from).filter(|first| first.offset > progress.next);
        let (Some(first), Backfill::Filling, false) = (first, progress.backfill, self.fills) else {
            return Ok(false);
        };
        let Partition { topic, index } = &task.partition;
        Ok(self.topics.has_records(topic, *index, progress.next..first.offset).await?)
    }

    /// Whether what looks like a redelivery is a topic that was deleted and made again: then the
    /// broker has less than was absorbed.
    async fn is_made_anew(
        &self,
        task: &Task<'_>,
        from: usize,
        progress: &Progress,
    ) -> Result<bool, EngineError> {
        let Partition { topic, index } = &task.partition;
        let is_repeated = task.batch.records.get(from).is_some_and(|first| first.offset < progress.next);
        Ok(is_repeated && self.topics.standing(topic, *index, progress.next).await? == Standing::MadeAnew)
    }

    async fn fold(
        &self,
        task: &Task<'_>,
        fold: &mut Fold<'_>,
        writer: &mut Writer,
    ) -> Result<Stop, EngineError> {
        loop {
            let Writer { slabs, sessions, events, matches, .. } = &mut *writer;
            let indexes =
                Indexes { sessions: sessions.as_mut(), events: events.as_mut(), matches: matches.as_mut() };
            match fold.run(slabs, indexes) {
                Stop::NeedsSlab(slice) => {
                    writer.load(&self.store, task.view, &task.partition, slice).await?;
                }
                stop => return Ok(stop),
            }
        }
    }

    /// puts each slab that changed over the version that it was built on.
    async fn put_slabs(
        &self,
        task: &Task<'_>,
        backfilled: bool,
        writer: &mut Writer,
    ) -> Result<Written, EngineError> {
        let expires = task.view.expires(self.clock.now(), self.settings.retention + task.view.reach());
        let is_dirty = |leaves: &Leaves<Slab>| leaves.iter().any(|leaf| leaf.dirty);
        let dirty = writer.slabs.iter().filter(|(_, leaves)| is_dirty(leaves));
        let slices: Vec<_> = dirty.map(|(slice, _)| *slice).collect();
        for slice in slices {
            let key = move |chunk| ItemKey::Slab {
                view: task.view.id.clone(),
                partition: task.partition.clone(),
                backfilled,
                slice,
                chunk,
            };
            let put = Put {
                shape: &task.view.shape,
                key: &key,
                version: &Slab::version,
                expires,
                most_bytes: writer.most_bytes(task.view, slice),
            };
            let damaged = |source| EngineError::Damaged { subject: format!("a slab of {slice}"), source };
            let (slabs, packer) = writer.slabs_and_packer().map_err(damaged)?;
            let Some(leaves) = slabs.get_mut(&slice) else { continue };
            let packed = put.pack(leaves, packer).map_err(damaged)?;
            let sizes = packed.sizes();
            if put.write(&self.store, leaves, packed).await? == Written::Conflict {
                return Ok(Written::Conflict);
            }
            let view = task.view.plan.name.as_str();
            sizes.into_iter().for_each(|bytes| SlabWritten { view, bytes }.emit());
        }
        Ok(Written::Stored)
    }

    /// Moves the partition on in the head, unless the batch brought nothing new.
    async fn advance(
        &self,
        task: &Task<'_>,
        fold: &Fold<'_>,
        progress: &Progress,
        writer: &mut Writer,
        head: Head,
    ) -> Result<Head, EngineError> {
        let behind = fold.position().checked_sub(1).and_then(|last| task.batch.records.get(last));
        let next = behind.map_or(Offset::at(0), |record| record.offset.next());
        if next <= progress.next {
            writer.committed(progress.next);
            return Ok(head);
        }
        // What is gone by `closed` has been given out; by the partition's own watermark it need not.
        let closed = closed(&head, task.scope());
        let floor = match task.view.windows {
            Windows::Over(reach) => closed - reach.back(),
            Windows::Match(within) => closed - within.back(),
            _ => writer.sessions.as_mut().map_or(Timestamp::MIN, |sessions| sessions.prune(closed)),
        };
        let step = Advance {
            partition: task.partition.clone(),
            epoch: progress.epoch,
            next,
            largest: fold.largest(),
            seen_at: self.clock.now(),
            floor: task.view.slices.start(floor.min(fold.largest())),
            backfill: match progress.backfill {
                Backfill::Filling if !self.fills => Backfill::Joined,
                backfill => backfill,
            },
        };
        let head = self.store.advance(&task.view.id, step).await?;
        writer.committed(next);
        Ok(head)
    }

    /// All source partitions of a view, as far as the broker and the head know them. Where one has a batch
    /// that the head does not know yet, the broker is asked anew: the topic may have gained it and others.
    pub(super) async fn sources(
        &self,
        view: &ViewRuntime,
        head: &Head,
        heard_of: Option<&Partition>,
    ) -> Result<Vec<Partition>, EngineError> {
        let news = heard_of.filter(|partition| !head.partitions.contains_key(*partition));
        let mut sources: BTreeSet<Partition> = news.into_iter().cloned().collect();
        for (name, _) in &view.topics {
            let of = news.filter(|partition| *partition.topic == **name).map(|partition| partition.index);
            let topic: Arc<str> = name.as_str().into();
            let numbers = self.partitions(name, of).await?.into_iter();
            sources.extend(numbers.map(|index| Partition { topic: topic.clone(), index }));
            sources.extend(head.partitions.keys().filter(|reported| reported.topic == topic).cloned());
        }
        Ok(sources.into_iter().collect())
    }
}

/// Whether a backfill began the partition while a batch was folded as if there were none. The head did
/// not take the batch, and nobody reads the slabs that it left.
fn is_begun_meanwhile(head: &Head, partition: &Partition, was: &Progress) -> bool {
    let is_begun = |now: &Progress| now.backfill != Backfill::Never;
    was.backfill == Backfill::Never && head.partitions.get(partition).is_some_and(is_begun)
}

/// Adds a view's share of a batch to the sums over all views.
fn add(task: &Task<'_>, fold: &Fold<'_>, total: &mut Absorbed) {
    let (accepted, late, skipped) = (fold.accepted, fold.late.len() as u64, fold.skipped);
    total.accepted += accepted;
    total.late += late;
    total.skipped += skipped;
    ViewAbsorbed { view: &task.view.plan.name, accepted, late, skipped, deferred: 0 }.emit();
}

/// How far a partition has come.
fn progress(head: &Head, partition: &Partition) -> Progress {
    head.partitions.get(partition).cloned().unwrap_or(Progress::NONE)
}
