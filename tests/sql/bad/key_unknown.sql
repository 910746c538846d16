-- fail: :2:51: unknown column "kay"; expected one of key, ts, did you mean "key"? in option "key"
CREATE TABLE t (key TEXT, ts TIMESTAMP) WITH (key='kay');
