//! From a group to a row.

use std::collections::BTreeMap;

use super::{
    super::{
        Engine, EngineError,
        groups::Groups,
        leaf::Leaves,
        page::{self, Page, Pages, Remembered},
        row::ClosedRow,
        view::{ViewRuntime, Windows},
    },
    Closing, Given, KeyedRow,
};
use crate::{
    codec::{CodecError, Reader},
    publish::{Publisher, Topics},
    sql::Earlier,
    state::Store,
    time::{Millis, Timestamp},
    value::Value,
};

/// What a window knows of a key, before the outputs are computed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) hash: u64,
    pub(super) key: Vec<u8>,
    window: (Timestamp, Timestamp),
    events: u64,
    /// The keys, the aggregates, the window's bounds.
    slots: Vec<Value<'static>>,
}

impl Draft {
    /// A group's draft.
    pub(super) fn of(
        view: &ViewRuntime,
        groups: &Groups,
        group: usize,
        window: (Timestamp, Timestamp),
    ) -> Result<Self, EngineError> {
        let key = groups.keys().key(group);
        let mut slots = Vec::with_capacity(view.plan.first_output_slot() + view.plan.outputs.len());
        let damaged = |source: CodecError| EngineError::Damaged { subject: "a group's key".into(), source };
        let mut reader = Reader::new(key);
        for _ in &view.plan.keys {
            slots.push(reader.value().map_err(damaged)?.into_owned());
        }
        groups.accumulators().finish(group, &mut slots);
        slots.push(Value::Time(window.0));
        slots.push(Value::Time(window.1));
        let (hash, key) = (groups.keys().hash_at(group), key.to_vec());
        Ok(Self { hash, key, window, events: groups.events(group), slots })
    }

    /// The row, unless HAVING keeps it back; `previous` is the row of the window before.
    ///
    /// A row that looks back covers what the previous one covers too, since it changes with it.
    pub(super) fn finish(self, view: &ViewRuntime, previous: Option<&ClosedRow>) -> Option<KeyedRow> {
        let mut slots = self.slots;
        slots.extend(view.plan.previous.iter().map(|earlier| look_back(*earlier, previous)));
        for output in &view.plan.outputs {
            let value = output.expr.eval(&slots).into_owned();
            slots.push(value);
        }
        if view.plan.having.as_ref().is_some_and(|having| !having.test(&slots)) {
            return None;
        }
        let seen = previous.filter(|_| !view.plan.previous.is_empty()).map_or(0, |row| row.events);
        let row = ClosedRow {
            window_start: self.window.0,
            window_end: self.window.1,
            events: self.events + seen,
            revision: 0,
            record: None,
            values: slots.split_off(view.plan.first_output_slot()),
        };
        Some(KeyedRow { hash: self.hash, key: self.key, row })
    }
}

fn look_back(earlier: Earlier, previous: Option<&ClosedRow>) -> Value<'static> {
    let value = previous.and_then(|row| match earlier {
        Earlier::Output(output) => row.values.get(output).cloned(),
        Earlier::Start => Some(Value::Time(row.window_start)),
        Earlier::End => Some(Value::Time(row.window_end)),
    });
    value.unwrap_or(Value::Null)
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Finishes drafts of any windows and gives the rows out.
    pub(super) async fn give_drafts(
        &self,
        closing: &Closing<'_>,
        drafts: Vec<Draft>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let view = closing.view;
        if !view.looks_back() {
            let rows = drafts.into_iter().filter_map(|draft| draft.finish(view, None)).collect();
            given.rows += self.give(view, rows).await?;
            return Ok(());
        }
        // A row looks back at one that may be among them.
        let mut by_end: BTreeMap<Timestamp, Vec<Draft>> = BTreeMap::new();
        for draft in drafts {
            by_end.entry(draft.window.1).or_default().push(draft);
        }
        for (end, drafts) in by_end {
            self.give_looking_back(closing, end, drafts, given).await?;
        }
        Ok(())
    }

    /// Gives out the rows of one window, which look back at those of the windows before.
    ///
    /// Another process may be closing the window before again. Either its rows are on the pages when
    /// these here have been noted as closed: then these are given once more. Or it notes its own
    /// later, and finds that this window was closed meanwhile ([`Engine::close_windows`]).
    pub(super) async fn give_looking_back(
        &self,
        closing: &Closing<'_>,
        end: Timestamp,
        mut drafts: Vec<Draft>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let view = closing.view;
        while !drafts.is_empty() {
            let (mut rows, mut seen) = (Vec::with_capacity(drafts.len()), Vec::with_capacity(drafts.len()));
            let mut pages = self.pages_of(view, &drafts).await?;
            for draft in &drafts {
                let known = remembered(view, &mut pages, draft)?;
                let previous = known.before(end);
                seen.push(previous.map(|row| row.events));
                if !is_cooling_down(view, &known, end) {
                    let previous = previous.map(|row| known.decode(row)).transpose();
                    let previous = previous.map_err(|source| page::damaged(view, source))?;
                    rows.extend(draft.clone().finish(view, previous.as_ref()));
                }
            }
            given.rows += self.give(view, rows).await?;
            if closing.is_new(end) && matches!(view.windows, Windows::Grid(_)) {
                self.store.set_closed(&view.id, closing.scope, end - Millis(1)).await?;
            }
            let mut pages = self.pages_of(view, &drafts).await?;
            let mut changed = Vec::new();
            for (draft, seen) in drafts.into_iter().zip(seen) {
                let now = remembered(view, &mut pages, &draft)?.before(end).map(|row| row.events);
                if seen != now {
                    changed.push(draft);
                }
            }
            drafts = changed;
        }
        Ok(())
    }

    async fn pages_of(&self, view: &ViewRuntime, drafts: &[Draft]) -> Result<Leaves<Page>, EngineError> {
        let pages = Pages { store: &self.store, view, clock: &*self.clock };
        pages.of(drafts.iter().map(|draft| draft.hash)).await
    }
}

/// What pages remember of a draft's key.
fn remembered<'p>(
    view: &ViewRuntime,
    pages: &'p mut Leaves<Page>,
    draft: &Draft,
) -> Result<Remembered<'p>, EngineError> {
    let Some(leaf) = pages.covering(draft.hash) else { return Ok(Remembered::none()) };
    leaf.content.remembered(draft.hash, &draft.key).map_err(|source| page::damaged(view, source))
}

/// Whether a key raised another alert too short a time ago. One that it raised for this very window
/// may be revised.
fn is_cooling_down(view: &ViewRuntime, known: &Remembered<'_>, window_end: Timestamp) -> bool {
    let cooldown = view.plan.options.cooldown;
    cooldown > Millis(0)
        && known.iter().all(|row| row.window_end != window_end)
        && known.iter().any(|row| Millis((row.window_end - window_end).0.abs()) < cooldown)
}
