//! The head's item: one attribute a partition, so that one update moves one partition on, and its
//! answer says how far all others are.
//!
//! | attribute | is |
//! | --- | --- |
//! | `p#TOPIC-PARTITION` | a map of one partition's progress, below |
//! | `c#all`, `c#PARTITION` | how far windows are closed, in that scope |
//! | `d` | the page depth |
//! | `b` | when the first batch came |
//!
//! A progress has `n` (next offset: a number, or a sequence number's bytes), `l` (largest event time), `s` (seen at), `f` (floor), `e` (epoch),
//! `i` (idle at), `b` (1: a backfill fills it, 2: functions have joined it). An update bills the whole item, hence the short names, and what has its first
//! value (the times' [`Timestamp::MIN`], epoch 0) is left out.
//!
//! The conditions say what [`step`] says; where one fails, the answer brings the head along that it
//! failed on, so no second read is needed.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    primitives::Blob,
    types::{AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Attributes, DynamoStore, damaged, failed, integer, items::attributes_of, keys::RawKey, number};
use crate::{
    observe::ItemKind,
    state::{Advance, Backfill, Head, Partition, Progress, Scope, StateError, ViewId, step},
    time::{Offset, Timestamp},
};

/// How often an advance whose times lag behind the head's is tried with the head's. Once does it,
/// unless another writer of the partition is at it in the same moment.
const ADVANCE_ATTEMPTS: u32 = 8;

const PARTITION: &str = "p#";
const CLOSED: &str = "c#";
const CLOSED_ALL: &str = "c#all";
const PAGE_DEPTH: &str = "d";
const BORN: &str = "b";

const FILLING: u8 = 1;
const JOINED: u8 = 2;

/// How an update of the head ended, with the head that it made or failed on.
enum Updated {
    Done(Head),
    Refused(Head),
}

impl DynamoStore {
    pub(super) async fn read_head(&self, view: &ViewId) -> Result<Head, StateError> {
        let found = self.read(&RawKey::of_head(view), true, &subject(view)).await?;
        found.map_or_else(|| Ok(Head::default()), |attributes| to_head(view, &attributes))
    }

    /// An expression cannot take the larger of two times, so an update is refused whose times would
    /// go backwards. It is tried again with the times that it was refused for.
    pub(super) async fn advance_head(&self, view: &ViewId, mut step: Advance) -> Result<Head, StateError> {
        for _ in 0..ADVANCE_ATTEMPTS {
            let head =
                match self.update("advance", view, advance(self.on_partition(&step.partition), &step)).await?
                {
                    Updated::Done(head) => return Ok(head),
                    Updated::Refused(head) => head,
                };
            match step::advanced(head.partitions.get(&step.partition), &step) {
                None => return Ok(head),
                Some(Progress { largest, seen_at, floor, .. }) => {
                    step = Advance { largest, seen_at, floor, ..step };
                }
            }
        }
        let reason = format!("its condition on {} fails on a value that should meet it", step.partition);
        Err(damaged(&subject(view), reason))
    }

    pub(super) async fn begin_backfill_in_head(
        &self,
        view: &ViewId,
        partition: &Partition,
        from: Offset,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let request = self.on_partition(partition).condition_expression("attribute_not_exists(#p)");
        let request = request.update_expression("SET #p = :p, b = if_not_exists(b, :now)");
        let request = request.expression_attribute_values(":p", to_map(&step::begun(from, now)));
        let request = request.expression_attribute_values(":now", number(now.0));
        self.update("begin a backfill in", view, request).await.map(drop)
    }

    pub(super) async fn mark_idle_in_head(
        &self,
        view: &ViewId,
        partition: &Partition,
        next: Offset,
    ) -> Result<(), StateError> {
        let request = self.on_partition(partition).condition_expression("#p.n = :next");
        let request = request.update_expression("SET #p.i = :next");
        let request = request.expression_attribute_values(":next", place(next));
        self.update_or_begin("mark idle in", view, partition, request, step::idled(None, next)).await
    }

    pub(super) async fn restart_in_head(
        &self,
        view: &ViewId,
        partition: &Partition,
        epoch: u32,
    ) -> Result<(), StateError> {
        let begun = step::restarted(None, epoch);
        let Some(following) = epoch.checked_add(1) else { return Ok(()) };
        let condition = format!("attribute_exists(#p) AND {}", of_epoch(epoch));
        let request = self.on_partition(partition).condition_expression(condition);
        let request = request.update_expression("SET #p.n = :zero, #p.e = :following REMOVE #p.i");
        let request = with_epoch(request, epoch).expression_attribute_values(":zero", number(0));
        let request = request.expression_attribute_values(":following", number(following));
        self.update_or_begin("restart a partition in", view, partition, request, begun).await
    }

    pub(super) async fn set_closed_in_head(
        &self,
        view: &ViewId,
        scope: Scope,
        through: Timestamp,
    ) -> Result<(), StateError> {
        self.raise("set closed in", view, &scope_name(scope), number(through.0)).await
    }

    pub(super) async fn set_page_depth_in_head(&self, view: &ViewId, depth: u8) -> Result<(), StateError> {
        self.raise("set the page depth in", view, PAGE_DEPTH, number(depth)).await
    }

    /// Sets a number, unless it is as large already.
    async fn raise(
        &self,
        action: &'static str,
        view: &ViewId,
        name: &str,
        to: AttributeValue,
    ) -> Result<(), StateError> {
        let request = self.client.update_item().update_expression("SET #x = :to");
        let request = request.condition_expression("attribute_not_exists(#x) OR #x < :to");
        let request = request.expression_attribute_names("#x", name).expression_attribute_values(":to", to);
        self.update(action, view, request).await.map(drop)
    }

    /// Updates a partition's attribute; where there is none yet, makes it what it `begins` as. (An
    /// expression can set a map or what is in it, but not the one or the other.)
    async fn update_or_begin(
        &self,
        action: &'static str,
        view: &ViewId,
        partition: &Partition,
        request: UpdateItemFluentBuilder,
        begins: Option<Progress>,
    ) -> Result<(), StateError> {
        let refused = match self.update(action, view, request).await? {
            Updated::Refused(head) => !head.partitions.contains_key(partition),
            Updated::Done(_) => false,
        };
        if let (true, Some(progress)) = (refused, begins) {
            let request = self.on_partition(partition).condition_expression("attribute_not_exists(#p)");
            let request = request.update_expression("SET #p = :p");
            let request = request.expression_attribute_values(":p", to_map(&progress));
            self.update(action, view, request).await?;
        }
        Ok(())
    }

    fn on_partition(&self, partition: &Partition) -> UpdateItemFluentBuilder {
        let name = format!("{PARTITION}{partition}");
        self.client.update_item().expression_attribute_names("#p", name)
    }

    /// Sends an update of the head.
    async fn update(
        &self,
        action: &'static str,
        view: &ViewId,
        request: UpdateItemFluentBuilder,
    ) -> Result<Updated, StateError> {
        let key = RawKey::of_head(view);
        let answer = request
            .table_name(&self.table)
            .set_key(Some(attributes_of(&key)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match answer {
            Ok(answer) => {
                self.meter.wrote(&answer.consumed_capacity);
                return to_head(view, &answer.attributes.unwrap_or_default()).map(Updated::Done);
            }
            Err(error) => error,
        };
        if !error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) {
            return Err(failed(action, &subject(view), error));
        }
        self.meter.conflicted(ItemKind::Head);
        let head = match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failure) if failure.item.is_some() => {
                to_head(view, &failure.item.unwrap_or_default())?
            }
            // Nothing stands there, or the server does not say what.
            _ => self.read_head(view).await?,
        };
        Ok(Updated::Refused(head))
    }
}

/// Sets the whole progress. That drops the idle mark, which means nothing any more.
fn advance(request: UpdateItemFluentBuilder, step: &Advance) -> UpdateItemFluentBuilder {
    let not_above = |name: &str| format!("(attribute_not_exists(#p.{name}) OR #p.{name} <= :{name})");
    // A topic that was Kafka's and is a stream now has a number there, which nothing else compares with.
    let (behind, is_sequence) = match step.next.number() {
        Some(_) => ("#p.n < :n", false),
        None => ("#p.n < :n OR attribute_type(#p.n, :number)", true),
    };
    let request = if is_sequence {
        request.expression_attribute_values(":number", AttributeValue::S("N".to_owned()))
    } else {
        request
    };
    let condition = format!(
        "(attribute_not_exists(#p.n) OR {behind}) AND {} AND {} AND {}",
        of_epoch(step.epoch),
        not_above("l"),
        not_above("s"),
    );
    let progress = Progress {
        next: step.next,
        largest: step.largest,
        seen_at: step.seen_at,
        idle_at: None,
        epoch: step.epoch,
        floor: step.floor,
        backfill: step.backfill,
    };
    with_epoch(request, step.epoch)
        .condition_expression(condition)
        .update_expression("SET #p = :p, b = if_not_exists(b, :s)")
        .expression_attribute_values(":p", to_map(&progress))
        .expression_attribute_values(":n", place(step.next))
        .expression_attribute_values(":l", number(step.largest.0))
        .expression_attribute_values(":s", number(step.seen_at.0))
}

/// The condition that a partition is in an epoch.
const fn of_epoch(epoch: u32) -> &'static str {
    if epoch == 0 { "attribute_not_exists(#p.e)" } else { "#p.e = :e" }
}

/// Gives the value that [`of_epoch`] names; one that is not named is refused.
fn with_epoch(request: UpdateItemFluentBuilder, epoch: u32) -> UpdateItemFluentBuilder {
    if epoch == 0 { request } else { request.expression_attribute_values(":e", number(epoch)) }
}

fn subject(view: &ViewId) -> String {
    format!("the head of {view}")
}

fn scope_name(scope: Scope) -> String {
    match scope {
        Scope::All => CLOSED_ALL.to_owned(),
        Scope::Partition(index) => format!("{CLOSED}{index}"),
    }
}

/// An offset as DynamoDB compares it: a number, or the bytes of a sequence number.
fn place(offset: Offset) -> AttributeValue {
    match offset.to_bytes() {
        Some(bytes) => AttributeValue::B(Blob::new(bytes)),
        None => number(offset.number().unwrap_or(0)),
    }
}

fn to_offset(value: &AttributeValue) -> Option<Offset> {
    match value {
        AttributeValue::B(bytes) => Offset::from_bytes(bytes.as_ref()),
        value => integer(value).map(Offset::at),
    }
}

fn to_map(progress: &Progress) -> AttributeValue {
    let mut map = Attributes::from([("n".to_owned(), place(progress.next))]);
    let times = [("l", progress.largest), ("s", progress.seen_at), ("f", progress.floor)];
    for (name, time) in times.into_iter().filter(|(_, time)| *time != Timestamp::MIN) {
        map.insert(name.to_owned(), number(time.0));
    }
    if progress.epoch != 0 {
        map.insert("e".to_owned(), number(progress.epoch));
    }
    if let Some(idle_at) = progress.idle_at {
        map.insert("i".to_owned(), place(idle_at));
    }
    let backfill = match progress.backfill {
        Backfill::Never => None,
        Backfill::Filling => Some(FILLING),
        Backfill::Joined => Some(JOINED),
    };
    if let Some(backfill) = backfill {
        map.insert("b".to_owned(), number(backfill));
    }
    AttributeValue::M(map)
}

fn to_progress(value: &AttributeValue) -> Option<Progress> {
    let map = value.as_m().ok()?;
    let time = |name| map.get(name).map_or(Some(Timestamp::MIN), |value| integer(value).map(Timestamp));
    let idle_at = match map.get("i") {
        Some(value) => Some(to_offset(value)?),
        None => None,
    };
    Some(Progress {
        next: map.get("n").and_then(to_offset)?,
        largest: time("l")?,
        seen_at: time("s")?,
        idle_at,
        epoch: map.get("e").map_or(Some(0), integer)?,
        floor: time("f")?,
        backfill: match map.get("b").map(integer::<u8>) {
            None => Backfill::Never,
            Some(Some(FILLING)) => Backfill::Filling,
            Some(Some(JOINED)) => Backfill::Joined,
            Some(_) => return None,
        },
    })
}

fn to_head(view: &ViewId, attributes: &Attributes) -> Result<Head, StateError> {
    let mut head = Head::default();
    for (name, value) in attributes {
        read_attribute(&mut head, name, value).ok_or_else(|| {
            damaged(&subject(view), format!("its attribute {name} cannot be read: {value:?}"))
        })?;
    }
    Ok(head)
}

/// Attributes of other names are passed over: a newer version may have written them.
fn read_attribute(head: &mut Head, name: &str, value: &AttributeValue) -> Option<()> {
    if let Some(partition) = name.strip_prefix(PARTITION) {
        head.partitions.insert(Partition::parse(partition)?, to_progress(value)?);
    } else if name == CLOSED_ALL {
        head.closed.insert(Scope::All, Timestamp(integer(value)?));
    } else if let Some(index) = name.strip_prefix(CLOSED) {
        head.closed.insert(Scope::Partition(index.parse().ok()?), Timestamp(integer(value)?));
    } else if name == PAGE_DEPTH {
        head.page_depth = integer(value)?;
    } else if name == BORN {
        head.born = Some(Timestamp(integer(value)?));
    }
    Some(())
}
