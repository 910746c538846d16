//! The slabs that a closing needs, from memory where this process has them and from the store.

use tokio::sync::OwnedMutexGuard;

use super::{
    super::{
        Engine, EngineError,
        sessions::Slabs,
        writer::{Writer, read_slabs},
    },
    Closing,
};
use crate::{
    publish::{Publisher, Topics},
    state::{Partition, Progress, Store},
    time::Timestamp,
};

/// One partition's slabs.
pub(super) enum Material<'w> {
    /// Those of the writer that closes.
    Own(&'w Writer),
    /// Those of another writer of this process, which stands where the head does.
    Warm(OwnedMutexGuard<Writer>),
    /// Those that the store has.
    Read(Slabs),
}

impl Material<'_> {
    pub(super) fn slabs(&self) -> &Slabs {
        match self {
            Self::Own(writer) => &writer.slabs,
            Self::Warm(writer) => &writer.slabs,
            Self::Read(slabs) => slabs,
        }
    }
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// The slabs of all partitions in scope, from the slice that `from` gives a partition on.
    pub(super) async fn gather<'w>(
        &self,
        closing: &Closing<'_>,
        own: Option<(&Partition, &'w mut Writer)>,
        from: impl Fn(&Progress) -> Timestamp,
    ) -> Result<Vec<Material<'w>>, EngineError> {
        let each = self.gather_each(closing, own, from).await?;
        Ok(each.into_iter().map(|(_, material)| material).collect())
    }

    /// The same, each with its partition.
    pub(super) async fn gather_each<'w>(
        &self,
        closing: &Closing<'_>,
        own: Option<(&Partition, &'w mut Writer)>,
        from: impl Fn(&Progress) -> Timestamp,
    ) -> Result<Vec<(Partition, Material<'w>)>, EngineError> {
        let (view, store) = (closing.view, &self.store);
        let own_partition = own.as_ref().map(|(partition, _)| (*partition).clone());
        let mut all = Vec::new();
        if let Some((partition, writer)) = own {
            let slice = closing.head.partitions.get(partition).map_or(Timestamp::MIN, &from);
            writer.load_from(store, view, partition, slice).await?;
            all.push((partition.clone(), Material::Own(writer)));
        }
        for partition in closing.in_scope().filter(|partition| Some(*partition) != own_partition.as_ref()) {
            let Some(progress) = closing.head.partitions.get(partition) else { continue };
            let slice = from(progress);
            // Waiting for it could wait for ever: its owner may be closing too.
            if let Ok(mut writer) = self.writer(closing.view_index, partition).try_lock_owned()
                && writer.is_at(progress)
            {
                writer.load_from(store, view, partition, slice).await?;
                all.push((partition.clone(), Material::Warm(writer)));
            } else {
                let slices = slice..=Timestamp::MAX;
                let slabs = read_slabs(store, view, partition, progress.lineage(), slices).await?;
                all.push((partition.clone(), Material::Read(slabs)));
            }
        }
        Ok(all)
    }
}
