//! The topics that SQL asks for.

use super::Catalog;

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicRole {
    /// A table's: events come in by it.
    Table,
    /// A view's `topic`: its rows.
    Result,
    /// A view's `text_topic`: its rows as sentences.
    Sentence,
    /// The `topic` of an alert view.
    Alert,
}

impl TopicRole {
    /// As `infra/` and `weir topics` call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Result => "result",
            Self::Sentence => "sentence",
            Self::Alert => "alert",
        }
    }
}

impl Catalog {
    /// The topics of tables and views with their roles, in the order of these and of the names. One that
    /// views write and a table reads stands there in both roles.
    pub fn topics(&self) -> Vec<(TopicRole, &str)> {
        let mut topics: Vec<_> = self.tables.iter().map(|table| (TopicRole::Table, &*table.topic)).collect();
        for options in self.views.iter().map(|view| &view.options) {
            let role = if options.alert { TopicRole::Alert } else { TopicRole::Result };
            topics.extend(options.topic.iter().map(|topic| (role, topic.as_str())));
            let sentence = options.sentence.as_ref();
            topics.extend(sentence.map(|sentence| (TopicRole::Sentence, sentence.topic.as_str())));
        }
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::SqlFile;

    #[test]
    fn a_topic_stands_once_in_each_of_its_roles() {
        let text = "
            CREATE TABLE clicks (k TEXT NOT NULL, n BIGINT, ts TIMESTAMP NOT NULL)
            WITH (topic = 'clicks', event_time = 'ts');
            CREATE TABLE counts (k TEXT NOT NULL, n BIGINT, window_end TIMESTAMP NOT NULL)
            WITH (topic = 'counts', event_time = 'window_end');
            CREATE VIEW b WITH (topic = 'counts') AS
            SELECT k, count(*) AS n FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE);
            CREATE VIEW c WITH (topic = 'counts', text_topic = 'told', template = '{k}: {n}') AS
            SELECT k, count(*) AS n FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '2' MINUTE);
            CREATE VIEW many WITH (alert = true) AS
            SELECT k, 'HIGH' AS severity, count(*) AS n FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE);";
        let catalog = Catalog::parse(&[SqlFile { name: "t.sql".into(), text: text.into() }]).unwrap();
        let expected = [
            (TopicRole::Table, "clicks"),
            (TopicRole::Table, "counts"),
            (TopicRole::Result, "counts"),
            (TopicRole::Sentence, "told"),
            (TopicRole::Alert, "weir.alerts"),
        ];
        assert_eq!(catalog.topics(), expected);
    }
}
