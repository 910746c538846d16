-- fail: route '/events/user' leads to table "t" already; expected another
CREATE TABLE t (ts TIMESTAMP) WITH (route = '/events/user');
CREATE TABLE u (ts TIMESTAMP) WITH (route = '/events/user');
