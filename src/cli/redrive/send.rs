//! Letters on their way back.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep_until};

use super::{
    done::{Done, RECEIPT},
    letter::Letter,
    survey::spot,
};
use crate::{
    cli::pace::Schedule,
    publish::{
        Message, Publisher as _, Topics as _,
        kafka::{KafkaPublisher, Original},
    },
};

/// At most so many letters are sent together, and noted by one receipt.
const BATCH: usize = 500;

/// What becomes of the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Send,
    /// They are noted as dealt with.
    Discard,
    /// Nothing; it is only told.
    Dry,
}

/// Sends letters back, and notes that in their topic.
pub(super) struct Sender {
    kafka: KafkaPublisher,
    /// The topic of the letters.
    letters: String,
    mode: Mode,
    schedule: Schedule,
    start: Instant,
    bar: ProgressBar,
    waiting: Vec<Original>,
    done: Done,
    /// How many went to each topic.
    sent: BTreeMap<String, u64>,
}

impl Sender {
    pub(super) fn new(
        kafka: KafkaPublisher,
        letters: String,
        mode: Mode,
        schedule: Schedule,
        bar: ProgressBar,
    ) -> Self {
        let (waiting, done, sent) = (Vec::new(), Done::default(), BTreeMap::new());
        Self { kafka, letters, mode, schedule, start: Instant::now(), bar, waiting, done, sent }
    }

    /// Takes a letter when it is due; sends those that wait when there are enough, or when it is not due yet.
    pub(super) async fn push(&mut self, letter: Letter) -> anyhow::Result<()> {
        self.check(&letter.record.topic).await?;
        if self.mode == Mode::Send {
            let due = self.schedule.next(None);
            if due > self.start.elapsed() {
                self.flush().await?;
            }
            // A gap beyond what the clock can say is a gap for ever.
            if let Some(at) = self.start.checked_add(due).filter(|at| *at > Instant::now()) {
                sleep_until(at).await;
            }
        }
        *self.sent.entry(letter.record.topic.clone()).or_default() += 1;
        if let Some((partition, offset)) = spot(&letter) {
            self.done.add(partition, offset);
        }
        self.waiting.push(letter.record);
        if self.waiting.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// A topic that is not there is not to be made by what is sent to it.
    async fn check(&self, topic: &str) -> anyhow::Result<()> {
        if self.mode == Mode::Discard || self.sent.contains_key(topic) {
            return Ok(());
        }
        let found = self.kafka.partitions(topic).await?;
        ensure!(found.is_some(), "{}there is no topic {topic:?} any more", self.so_far());
        Ok(())
    }

    /// Sends what waits, then the receipt: what stops between is sent again the next time.
    async fn flush(&mut self) -> anyhow::Result<()> {
        let (waiting, done) = (std::mem::take(&mut self.waiting), std::mem::take(&mut self.done));
        if waiting.is_empty() || self.mode == Mode::Dry {
            return Ok(());
        }
        if self.mode == Mode::Send {
            let sent = self.kafka.publish_originals(&waiting).await;
            sent.context("stopped; run it again for the rest. Some of the last letters may go twice")?;
        }
        self.bar.set_message(format!("{} letters", HumanCount(self.total())));
        if done.is_empty() {
            return Ok(());
        }
        let headers = vec![(RECEIPT, done.receipt())];
        let receipt = Message { topic: self.letters.clone(), key: None, payload: Vec::new(), headers };
        self.kafka.publish(vec![receipt]).await.context("the last letters were sent but that is not noted")
    }

    /// Sends the last; tells what was done.
    pub(super) async fn finish(mut self) -> anyhow::Result<String> {
        self.flush().await?;
        self.bar.finish_and_clear();
        Ok(self.report())
    }

    fn total(&self) -> u64 {
        self.sent.values().sum()
    }

    fn so_far(&self) -> String {
        if self.total() == 0 { String::new() } else { self.report() }
    }

    fn report(&self) -> String {
        let verb = match self.mode {
            Mode::Send => "sent back",
            Mode::Discard => "noted as dealt with",
            Mode::Dry => "would be sent back",
        };
        let topics = self.sent.iter().map(|(topic, count)| format!("{} of {topic}", HumanCount(*count)));
        let topics = topics.collect::<Vec<_>>().join(", ");
        let total = HumanCount(self.total());
        let of = if topics.is_empty() { topics } else { format!(": {topics}") };
        format!("{total} letters {verb}{of}\n")
    }
}

/// A bar over records; nothing off a terminal.
pub(super) fn progress_bar(records: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} {msg} {elapsed} left: {eta}");
    ProgressBar::new(records).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
