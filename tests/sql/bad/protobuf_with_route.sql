-- fail: the API takes no events for a topic of Protobuf without a registry; expected neither "route" nor "websocket"
CREATE TABLE t (ts TIMESTAMP) WITH (format = 'protobuf', route = '/events/x', schema = 'syntax = "proto3"; message R { int64 ts = 1; }');
