-- fail: same_topic.sql:3:14: topic "x" is described by table "a" (same_topic.sql:2) already; expected one table a topic
CREATE TABLE a (ts TIMESTAMP) WITH (topic = 'x');
CREATE TABLE b (ts TIMESTAMP) WITH (topic = 'x');
