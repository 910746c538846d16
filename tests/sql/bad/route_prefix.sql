-- fail: option "route" is '/user'; expected a path below /events/ that does not end in batch, such as route = '/events/user'
CREATE TABLE t (ts TIMESTAMP) WITH (route = '/user');
