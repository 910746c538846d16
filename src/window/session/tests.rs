use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds { gap: Millis(30), lateness: Millis(5) };

fn gone(last: i64, wm: Timestamp) -> bool {
    is_past(Timestamp(last) + BOUNDS.gap, BOUNDS.lateness, wm)
}

/// Sessions as Flink keeps them: those that are past are purged as the watermark moves.
#[derive(Default)]
struct Flink {
    live: Vec<(i64, i64, usize)>,
    purged: Vec<(i64, i64, usize)>,
}

impl Flink {
    fn add(&mut self, at: i64, wm: Timestamp) -> bool {
        self.purge(wm);
        let gap = BOUNDS.gap.0;
        let near = |s: &(i64, i64, usize)| at <= s.1 + gap && s.0 <= at + gap;
        let joined = self.live.iter().copied().filter(near);
        let merged = joined.fold((at, at, 1), |m, s| (m.0.min(s.0), m.1.max(s.1), m.2 + s.2));
        if gone(merged.1, wm) {
            return false;
        }
        self.live.retain(|s| !near(s));
        self.live.push(merged);
        true
    }

    fn purge(&mut self, wm: Timestamp) {
        self.purged.extend(self.live.iter().copied().filter(|s| gone(s.1, wm)));
        self.live.retain(|s| !gone(s.1, wm));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    /// Events out of order by up to three gaps: what is accepted is what Flink accepts, and the accepted events,
    /// stitched anew from nothing, are Flink's sessions.
    #[test]
    fn stitched_parts_are_flinks_sessions(steps in prop::collection::vec((0..40i64, 0..90i64), 1..80)) {
        let (mut flink, mut ours) = (Flink::default(), Sessions::default());
        let (mut clock, mut wm, mut parts) = (0, Timestamp::MIN, vec![]);
        for (id, (step, delay)) in steps.into_iter().enumerate() {
            clock += step;
            let at = clock - delay;
            let first = Timestamp(at);
            let placed = ours.place(first, BOUNDS, wm);
            prop_assert_eq!(placed.is_some(), flink.add(at, wm), "event {} at {:?}", at, wm);
            if let Some(Placed { mark, .. }) = placed {
                ours.join(first, &mark, id, BOUNDS, wm);
                parts.push(Part { first, last: first, mark, id });
            }
            wm = wm.max(crate::window::watermark(first, Millis(2)));
            ours.prune(BOUNDS, wm);
        }
        flink.purge(Timestamp::MAX);
        let stitched = Sessions::stitch(parts, BOUNDS.gap);
        let mut got: Vec<_> = stitched.iter().map(|s| (s.first.0, s.last.0, s.parts().count())).collect();
        got.sort_unstable();
        flink.purged.sort_unstable();
        prop_assert_eq!(got, flink.purged);
    }
}
