//! What a reader read a moment ago: heads and pages, so that many requests for few keys are few reads.
//!
//! It is kept by *generations*. One begins with reading a view's head, and lasts for the age that was set;
//! then all of it is forgotten. Every page of it was read after its head. So whoever asks for the head
//! first, and for rows then, never takes a row for final that was read before it became so, and nothing that
//! is served is older than that age.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::sync::OnceCell;

use super::EngineError;
use crate::{
    state::{Chunk, Head},
    time::{Clock, Millis, Timestamp},
};

/// The most bytes of pages that a generation keeps. Beyond that each is read for every request.
const MOST_BYTES: usize = 16 << 20;

/// What keeping a page costs besides its body.
const ENTRY_BYTES: usize = 64;

/// A page's body, unpacked; none where there is no page.
type Body = Option<Arc<[u8]>>;

/// What is kept, for each view.
pub(super) struct Recent {
    age: Millis,
    clock: Arc<dyn Clock>,
    views: Vec<tokio::sync::Mutex<Option<Arc<Generation>>>>,
}

impl Recent {
    /// For so many views.
    pub(super) fn new(views: usize, age: Millis, clock: Arc<dyn Clock>) -> Self {
        Self { age, clock, views: (0..views).map(|_| tokio::sync::Mutex::default()).collect() }
    }

    /// A view's generation: the one that there is, or a new one with the head that `read` gives. Whoever
    /// asks meanwhile waits for it.
    pub(super) async fn generation<F>(
        &self,
        view: usize,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<Generation>, EngineError>
    where
        F: Future<Output = Result<Head, EngineError>>,
    {
        let now = self.clock.now();
        let Some(kept) = self.views.get(view) else {
            return Ok(Arc::new(Generation::new(now, read().await?)));
        };
        let mut kept = kept.lock().await;
        if let Some(generation) = kept.as_ref().filter(|kept| self.is_young(kept)) {
            return Ok(Arc::clone(generation));
        }
        // Before the head is read: what is written from now on may be missing in it.
        let now = self.clock.now();
        let generation = Arc::new(Generation::new(now, read().await?));
        *kept = Some(Arc::clone(&generation));
        Ok(generation)
    }

    /// By the clock on the wall: others may stand still while a process is frozen. Where it was set back,
    /// nobody knows how old a generation is.
    fn is_young(&self, generation: &Generation) -> bool {
        let age = self.clock.now() - generation.since;
        Millis(0) <= age && age < self.age
    }
}

/// A view's head, and the pages that were read after it.
pub(super) struct Generation {
    since: Timestamp,
    pub(super) head: Head,
    pages: Mutex<HashMap<Chunk, Arc<OnceCell<Body>>>>,
    bytes: AtomicUsize,
}

impl Generation {
    /// One that knows no page yet.
    pub(super) fn new(since: Timestamp, head: Head) -> Self {
        Self { since, head, pages: Mutex::default(), bytes: AtomicUsize::new(0) }
    }

    /// The body of the page that covers a chunk, which `read` brings where it is not known. Whoever asks
    /// meanwhile waits for it.
    pub(super) async fn page<F>(&self, chunk: Chunk, read: impl FnOnce() -> F) -> Result<Body, EngineError>
    where
        F: Future<Output = Result<Body, EngineError>>,
    {
        let is_full = self.bytes.load(Relaxed) >= MOST_BYTES;
        let cell = {
            let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            match pages.get(&chunk) {
                Some(cell) => Arc::clone(cell),
                None if is_full => Arc::default(),
                None => Arc::clone(pages.entry(chunk).or_default()),
            }
        };
        let noted = async || {
            let body = read().await?;
            let len = body.as_ref().map_or(0, |body| body.len());
            self.bytes.fetch_add(ENTRY_BYTES + len, Relaxed);
            Ok(body)
        };
        cell.get_or_try_init(noted).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::time::ManualClock;

    const CHUNK: Chunk = Chunk { depth: 1, index: 1 };

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn head(page_depth: u8) -> Head {
        Head { page_depth, ..Head::default() }
    }

    #[test]
    fn a_generation_lasts_for_its_age_and_no_longer() {
        let clock = Arc::new(ManualClock::at(Timestamp(1000)));
        let recent = Recent::new(1, Millis(250), clock.clone());
        let depth =
            |read: u8| block_on(recent.generation(0, async || Ok(head(read)))).unwrap().head.page_depth;
        assert_eq!(depth(1), 1);
        clock.set(Timestamp(1249));
        assert_eq!(depth(2), 1);
        clock.set(Timestamp(1250));
        assert_eq!(depth(3), 3);
        clock.set(Timestamp(1100));
        assert_eq!(depth(4), 4, "a clock that was set back says nothing of the age");
    }

    #[test]
    fn a_head_that_cannot_be_read_is_asked_for_again() {
        let recent = Recent::new(1, Millis(250), Arc::new(ManualClock::at(Timestamp(0))));
        let unknown = || EngineError::UnknownTopic { topic: String::new(), known: String::new() };
        assert!(block_on(recent.generation(0, async || Err(unknown()))).is_err());
        assert_eq!(block_on(recent.generation(0, async || Ok(head(1)))).unwrap().head.page_depth, 1);
    }

    #[test]
    fn a_page_is_read_once_for_all_who_ask_meanwhile() {
        let (generation, reads) = (Generation::new(Timestamp(0), head(1)), AtomicU32::new(0));
        let read = async || {
            reads.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
            Ok(Some(Arc::from([7_u8])))
        };
        let both = async { futures::join!(generation.page(CHUNK, read), generation.page(CHUNK, read)) };
        let (one, other) = block_on(both);
        assert_eq!((one.unwrap(), other.unwrap()), (Some(Arc::from([7_u8])), Some(Arc::from([7_u8]))));
        assert_eq!(reads.load(Relaxed), 1);
    }

    #[test]
    fn what_is_too_much_is_not_kept() {
        let generation = Generation::new(Timestamp(0), head(1));
        let page = |index, len: usize| {
            let chunk = Chunk { depth: 8, index };
            block_on(generation.page(chunk, async || Ok(Some(Arc::from(vec![0_u8; len])))))
        };
        page(0, MOST_BYTES).unwrap();
        page(1, 1).unwrap();
        assert_eq!(page(1, 2).unwrap().unwrap().len(), 2, "it was read again");
        assert_eq!(page(0, 1).unwrap().unwrap().len(), MOST_BYTES, "it was not");
    }
}
