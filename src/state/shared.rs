//! A store that several owners share.

use std::sync::Arc;

use super::{Advance, Head, Item, ItemKey, Partition, Scope, Span, StateError, Store, ViewId, Written};
use crate::time::{Offset, Timestamp};

macro_rules! delegate {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        impl<S: Store> Store for Arc<S> {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out, StateError> {
                S::$name(self, $($arg),*).await
            })*
        }
    };
}

delegate! {
    head(view: &ViewId) -> Head;
    advance(view: &ViewId, step: Advance) -> Head;
    begin_backfill(view: &ViewId, partition: &Partition, from: Offset, now: Timestamp) -> ();
    mark_idle(view: &ViewId, partition: &Partition, next: Offset) -> ();
    restart(view: &ViewId, partition: &Partition, epoch: u32) -> ();
    set_closed(view: &ViewId, scope: Scope, through: Timestamp) -> ();
    set_page_depth(view: &ViewId, depth: u8) -> ();
    get(key: &ItemKey) -> Option<Item>;
    get_many(keys: &[ItemKey]) -> Vec<(ItemKey, Item)>;
    scan(span: &Span) -> Vec<(ItemKey, Item)>;
    scan_first(span: &Span, most: usize) -> Vec<(ItemKey, Item)>;
    put(key: &ItemKey, item: Item, expected: Option<i64>) -> Written;
}
