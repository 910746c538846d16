//! Rows of views without windows: brought up to date with every batch.

use super::{
    super::{Engine, EngineError, groups::Groups, leaf::Leaves, page::Pages, writer::Writer},
    Closing, Given, KeyedRow,
    draft::Draft,
    give::packer,
};
use crate::{
    aggregate::KeyTable,
    publish::{Publisher, Topics},
    state::{Partition, Store},
    time::Timestamp,
};

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Gives the rows of all keys that a batch touched. The pages know which row is the newest, and
    /// its revision: there is no history of what is never over.
    pub(super) async fn close_running(
        &self,
        closing: &Closing<'_>,
        own: Option<(&Partition, &mut Writer)>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let Some(keys) = closing.touched.windows.get(&Timestamp::MAX) else { return Ok(()) };
        let view = closing.view;
        let material = self.gather(closing, own, |_| view.slices.start(Timestamp::MIN)).await?;
        let mut merged = Groups::new(&view.shape);
        for leaf in material.iter().flat_map(|m| m.slabs().values()).flat_map(Leaves::iter) {
            for (_, groups) in leaf.content.sections() {
                let find = |key: &Vec<u8>| groups.keys().find(KeyTable::hash(key), key);
                merged.merge(groups, keys.iter().filter_map(find));
            }
        }
        drop(material);
        let mut rows = Vec::with_capacity(merged.len());
        for group in 0..merged.len() {
            let draft = Draft::of(view, &merged, group, (Timestamp(0), Timestamp(0)))?;
            rows.extend(draft.finish(view, None));
        }
        given.rows += self.give_running(closing, rows).await?;
        Ok(())
    }

    async fn give_running(&self, closing: &Closing<'_>, mut rows: Vec<KeyedRow>) -> Result<u64, EngineError> {
        let pages = Pages { store: &self.store, view: closing.view, clock: &*self.clock };
        pages.show(&mut rows, &mut packer()?).await?;
        rows.retain(|row| !row.is_outdated());
        self.publish_rows(closing.view, &rows).await?;
        Ok(rows.len() as u64)
    }
}
