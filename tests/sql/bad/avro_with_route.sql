-- fail: the API takes no events for a topic of Avro without a registry; expected neither "route" nor "websocket"
CREATE TABLE t (ts TIMESTAMP) WITH (
  format = 'avro', route = '/events/x', schema = '{"type":"record","name":"R","fields":[{"name":"ts","type":"long"}]}');
