-- fail: :2:59: option "topic" is given twice
CREATE TABLE t (k TEXT, ts TIMESTAMP) WITH (topic = 'a',  topic = 'b');
