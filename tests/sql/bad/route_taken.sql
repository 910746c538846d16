-- fail: route '/events/t' leads to table "t" already; expected another
CREATE TABLE t (ts TIMESTAMP);
CREATE TABLE u (ts TIMESTAMP) WITH (route = '/events/t');
