//! What befalls events on their way.

use rand::{Rng, rngs::StdRng};

use super::Settings;
use crate::time::Millis;

/// Events on their way overtake each other by less than this.
const DISORDER: Millis = Millis::seconds(2);
/// How far behind late events are: between the two.
const LATE: (Millis, Millis) = (Millis::seconds(3), Millis::seconds(40));

/// How long an event was on its way.
pub(super) fn delay(settings: &Settings, random: &mut StdRng) -> Millis {
    let draw: f64 = random.random();
    if draw < settings.late {
        between(LATE, random)
    } else if draw < settings.late + settings.disorder {
        between((Millis(0), DISORDER), random)
    } else {
        Millis(0)
    }
}

/// A time between the two.
pub(super) fn between((low, high): (Millis, Millis), random: &mut StdRng) -> Millis {
    Millis(random.random_range(low.0..high.0))
}

/// A record of which a half was lost.
pub(super) fn halve(mut text: String) -> String {
    text.truncate(text.len() / 2);
    text
}
