//! `route` and `websocket`: how events come to a table but by its name.

use super::{
    error::{Diagnostics, Place},
    options::WithOptions,
    plan::Entrance,
};

/// What routes of tables begin with: all that takes events stands there.
const PREFIX: &str = "/events/";

/// Reads the options of a table.
pub(super) fn check(options: &mut WithOptions, errors: &mut Diagnostics) -> Entrance {
    let route = options.text("route", errors).and_then(|(route, at)| route_of(&route, &at, errors));
    Entrance { route, websocket: options.flag("websocket", errors) }
}

fn route_of(route: &str, place: &Place, errors: &mut Diagnostics) -> Option<String> {
    let is_plain = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
    };
    let fits = route.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.split('/').all(is_plain) && rest.rsplit('/').next().is_some_and(|last| last != "batch")
    });
    if fits {
        return Some(route.to_owned());
    }
    let message = format!(
        "option \"route\" is '{route}'; expected a path below {PREFIX} that does not end in batch, such as \
         route = '/events/user'"
    );
    errors.error(place, message);
    None
}

/// The paths of two tables must not be the same, and messages without a table go to one of them.
pub(super) fn check_all<'t>(
    tables: impl Iterator<Item = (&'t super::plan::Table, &'t Place)> + Clone,
    errors: &mut Diagnostics,
) {
    for (index, (table, place)) in tables.clone().enumerate() {
        let Some(route) = &table.entrance.route else { continue };
        let named = |other: &super::plan::Table| *route == format!("{PREFIX}{}", other.name);
        let routed = |other: &super::plan::Table| other.entrance.route.as_ref() == Some(route);
        let taken = tables
            .clone()
            .enumerate()
            .find(|(at, (other, _))| *at != index && (named(other) || *at < index && routed(other)));
        if let Some((_, (other, _))) = taken {
            let message =
                format!("route '{route}' leads to table \"{}\" already; expected another", other.name);
            errors.error(place, message);
        }
    }
    let mut open = tables.filter(|(table, _)| table.entrance.websocket);
    if let Some((first, _)) = open.next() {
        for (_, place) in open {
            let message = format!(
                "table \"{}\" takes the WebSocket's messages that name no table already; expected websocket = \
                 true on one table",
                first.name
            );
            errors.error(place, message);
        }
    }
}
