//! `TUMBLE(ts, size)`, `HOP(ts, slide, size)`, `SESSION(ts, gap)`.

use sqlparser::ast;

use crate::{
    sql::{
        bind::{Scope, plain_arguments},
        duration,
        error::{Diagnostics, Place},
        expr::Expr,
        plan::{View, WINDOW_TIME, Window},
        relation::{Known, Relation},
    },
    time::Millis,
};

/// In how many windows an event may be: each of them has a row a key.
const MOST_WINDOWS: i64 = 10_000;

/// The three kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tumble,
    Hop,
    Session,
}

impl Kind {
    const ALL: [(&'static str, Self); 3] =
        [("tumble", Self::Tumble), ("hop", Self::Hop), ("session", Self::Session)];

    /// The kind of a function's name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
    }

    const fn usage(self) -> &'static str {
        match self {
            Self::Tumble => "TUMBLE(ts, INTERVAL '10' SECOND): event time and size",
            Self::Hop => "HOP(ts, INTERVAL '10' SECOND, INTERVAL '5' MINUTE): event time, slide and size",
            Self::Session => "SESSION(ts, INTERVAL '30' MINUTE): event time and gap",
        }
    }
}

/// A window call's arguments, and whether its time is the event time of every table.
pub(super) fn check(
    kind: Kind,
    call: &ast::Function,
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Window> {
    let arguments = plain_arguments(call).unwrap_or_default();
    let (time, spans) = match (kind, arguments.as_slice()) {
        (Kind::Tumble | Kind::Session, [time, span]) => (time, vec![*span]),
        (Kind::Hop, [time, slide, size]) => (time, vec![*slide, *size]),
        _ => {
            errors.error(place, format!("found {call}; expected {}", kind.usage()));
            return None;
        }
    };
    check_time(time, relation, known, place, errors);
    if kind == Kind::Session && known.upstream(relation).is_some() {
        errors.error(place, "sessions are of a table's events; over a view expected TUMBLE or HOP");
    }
    let spans: Vec<_> = spans.into_iter().map(|span| positive(span, place, errors)).collect();
    let spans = spans.into_iter().collect::<Option<Vec<_>>>()?;
    match (kind, spans.as_slice()) {
        (Kind::Session, [gap]) => Some(Window::Session { gap: *gap }),
        (_, [size]) => Some(Window::Grid { size: *size, slide: *size }),
        (_, [slide, size]) if slide > size => {
            let message = format!(
                "HOP's slide ({slide}) is longer than its size ({size}), so events would fall between windows; \
                 expected {}",
                kind.usage()
            );
            errors.error(place, message);
            None
        }
        (_, [slide, size]) if size.0 / slide.0 > MOST_WINDOWS => {
            let message = format!(
                "each event would be in {} windows of {size} every {slide}; expected at most {MOST_WINDOWS}",
                size.0 / slide.0
            );
            errors.error(place, message);
            None
        }
        (_, [slide, size]) => Some(Window::Grid { size: *size, slide: *slide }),
        _ => None,
    }
}

pub(super) fn positive(expr: &ast::Expr, place: &Place, errors: &mut Diagnostics) -> Option<Millis> {
    let place = place.at(expr);
    match duration::of_expr(expr) {
        Some(span) if span > Millis(0) => return Some(span),
        Some(span) => errors.error(&place, format!("found a span of {span}; expected more than 0 ms")),
        None => errors.error(&place, format!("found {expr}; expected {}", duration::EXPECTED_INTERVAL)),
    }
    None
}

/// Windows are over event time: a column that is the event time of every table.
pub(super) fn check_time(
    time: &ast::Expr,
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) {
    let place = place.at(time);
    let parts = match time {
        ast::Expr::Identifier(part) => std::slice::from_ref(part),
        ast::Expr::CompoundIdentifier(parts) => parts,
        _ => return errors.error(&place, format!("found {time}; expected the event-time column")),
    };
    let mut scope = relation.scope("a window");
    let Expr::Column(slot) = scope.column(parts, &place, errors).expr else { return };
    for branch in &relation.branches {
        if let Some(view) = known.view(branch) {
            check_time_of_view(time, branch.columns.get(slot), view, &place, errors);
        }
        let Some(table) = known.table(branch) else { continue };
        if branch.columns.get(slot) == Some(&Expr::Column(table.event_time)) {
            continue;
        }
        let expected = table.columns.get(table.event_time).map_or("", |column| column.name.as_str());
        let message = format!(
            "{time} is not the event time of table \"{}\"; expected its column \"{expected}\" (WITH (event_time = ...))",
            table.name
        );
        errors.error(&place, message);
    }
}

/// The event time of a view's rows is the last millisecond of their window.
fn check_time_of_view(
    time: &ast::Expr,
    meant: Option<&Expr>,
    view: &View,
    place: &Place,
    errors: &mut Diagnostics,
) {
    let window_time = Expr::Column(view.outputs.len() + 2);
    if meant != Some(&window_time) {
        let message = format!(
            "{time} is not the event time of the rows of view \"{}\"; expected {WINDOW_TIME}, the last \
             millisecond of their window",
            view.name
        );
        errors.error(place, message);
    }
}
