-- Records of plain text, rows as sentences, and fields of other names.
CREATE TABLE user_clickstream (
  user_id BIGINT NOT NULL, url TEXT NOT NULL, ip TEXT, ts TIMESTAMP NOT NULL
) WITH (format = 'text', key = 'user_id', pattern = 'User {user_id} clicked on {URL} at { ts }{{}}');

CREATE VIEW clicks WITH (
  topic = 'user_click_aggregation', text_topic = 'user_click_sentences',
  template = 'User {user_id} has clicked {clicks} times by {window_end} ({view}, {revision}).'
) AS
SELECT user_id, count(*) AS clicks FROM user_clickstream GROUP BY user_id, TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW told WITH (text_topic = 'told', template = 'nothing') AS
SELECT count(*) AS clicks FROM user_clickstream GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE TABLE raw_events (
  user_id TEXT NOT NULL OPTIONS (field = 'userId'),
  kind TEXT OPTIONS (field = 'event, event_type') NOT NULL,
  ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp, ts')
) WITH (format = 'json', event_time = 'ts');

CREATE VIEW events_per_type AS
SELECT kind, count(*) AS events FROM raw_events GROUP BY kind, TUMBLE(ts, INTERVAL '1' MINUTE);
