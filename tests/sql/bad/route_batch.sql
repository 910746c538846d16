-- fail: option "route" is '/events/user/batch'; expected a path below /events/
CREATE TABLE t (ts TIMESTAMP) WITH (route = '/events/user/batch');
