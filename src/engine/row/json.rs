//! Closed rows as JSON: as they are published, served and written by `weir run`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::ClosedRow;
use crate::{
    engine::close::alert_id,
    sql::{SOURCE_RECORD, View, Window},
    value::Value,
};

/// The members of a view's rows, in their order: the view's name, its columns, the window (epoch milliseconds), if
/// the view has windows, the revision, and the record that a row is of, if it is of one.
pub struct RowMembers<'v> {
    view: &'v View,
    members: Vec<(&'v str, Member)>,
}

#[derive(Clone, Copy)]
enum Member {
    View,
    Output(usize),
    WindowStart,
    WindowEnd,
    Revision,
    Record,
    AlertId,
    Final,
}

/// What stands for a member.
#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Text(&'a str),
    Written(String),
    Number(i64),
    Bool(bool),
    Value(&'a Value<'static>),
}

/// A row that is shown with its members.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    members: &'a RowMembers<'a>,
    row: &'a ClosedRow,
    key: &'a [u8],
    is_final: bool,
}

impl<'v> RowMembers<'v> {
    /// Those of a view's rows as they are.
    pub(in crate::engine) fn of(view: &'v View) -> Self {
        let mut members = Self { view, members: Vec::with_capacity(view.outputs.len() + 5) };
        members.add("view", Member::View);
        for (number, output) in view.outputs.iter().enumerate() {
            members.add(&output.field.name, Member::Output(number));
        }
        if view.window != Window::Running {
            members.add("window_start", Member::WindowStart);
            members.add("window_end", Member::WindowEnd);
        }
        members.add("revision", Member::Revision);
        if matches!(view.window, Window::Over { .. } | Window::Event | Window::Match { .. }) {
            members.add(SOURCE_RECORD, Member::Record);
        }
        members
    }

    /// Those of its rows as they are given out. An alert has an id, the same for all its revisions.
    pub(in crate::engine) fn given_out(view: &'v View) -> Self {
        let mut members = Self::of(view);
        if view.options.alert {
            members.add("id", Member::AlertId);
        }
        members
    }

    /// Those of its rows as they are served: whether one can still change comes last.
    pub fn served(view: &'v View) -> Self {
        let mut members = Self::of(view);
        members.add("final", Member::Final);
        members
    }

    /// A row that is served.
    pub fn shown<'a>(&'a self, row: &'a ClosedRow, is_final: bool) -> Shown<'a> {
        Shown { members: self, row, key: &[], is_final }
    }

    /// What every row has goes before a column of the same name, in its place.
    fn add(&mut self, name: &'v str, member: Member) {
        match self.members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = member,
            None => self.members.push((name, member)),
        }
    }

    /// A row of a key as a text.
    pub(in crate::engine) fn text(&self, row: &ClosedRow, key: &[u8]) -> Vec<u8> {
        serde_json::to_vec(&Shown { members: self, row, key, is_final: false }).unwrap_or_default()
    }

    /// A row of a key as an object.
    pub(in crate::engine) fn object(&self, row: &ClosedRow, key: &[u8]) -> Map<String, Json> {
        match serde_json::to_value(Shown { members: self, row, key, is_final: false }) {
            Ok(Json::Object(object)) => object,
            _ => Map::new(),
        }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { members: RowMembers { view, members }, row, key, is_final } = self;
        serializer.collect_map(members.iter().filter_map(|(name, member)| {
            let told = match member {
                Member::View => Told::Text(&view.name),
                Member::Output(number) => Told::Value(row.values.get(*number).unwrap_or(&Value::Null)),
                Member::WindowStart => Told::Number(row.window_start.0),
                Member::WindowEnd => Told::Number(row.window_end.0),
                Member::Revision => Told::Number(row.revision.into()),
                Member::Record => Told::Written(row.record.as_ref()?.to_string()),
                Member::AlertId => Told::Written(alert_id(view, key, row)),
                Member::Final => Told::Bool(*is_final),
            };
            Some((name, told))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sql::{Catalog, SqlFile},
        time::Timestamp,
    };

    #[test]
    fn what_every_row_has_goes_before_a_column_of_its_name() {
        let text = "CREATE TABLE t (k TEXT NOT NULL, j JSON, ts TIMESTAMP NOT NULL) WITH (key = 'k');
            CREATE VIEW v AS SELECT k, count(*) AS source_record, avg(1) AS final, last(j) AS j
            FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);";
        let file = SqlFile { name: "v.sql".into(), text: text.into() };
        let catalog = Catalog::parse(&[file]).unwrap();
        let values = vec![
            Value::text("a\"b"),
            Value::Int(3),
            Value::Float(f64::NAN),
            Value::Json("{\"b\": [1, 2.50], \"a\": null}".into()),
        ];
        let (window_start, window_end) = (Timestamp(0), Timestamp(1000));
        let row = ClosedRow { window_start, window_end, events: 3, revision: 2, record: None, values };
        let view = &catalog.views[0];
        let plain = r#"{"view":"v","k":"a\"b","source_record":3,"final":null,"j":{"b":[1,2.5],"a":null},"window_start":0,"window_end":1000,"revision":2}"#;
        let members = RowMembers::given_out(view);
        assert_eq!(String::from_utf8(members.text(&row, b"")).unwrap(), plain);
        assert_eq!(Json::Object(members.object(&row, b"")).to_string(), plain);
        let served = RowMembers::served(view);
        let text = serde_json::to_string(&served.shown(&row, true)).unwrap();
        assert_eq!(text, plain.replace("\"final\":null", "\"final\":true"));
    }
}
