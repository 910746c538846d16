-- fail: table "t" takes the WebSocket's messages that name no table already; expected websocket = true on one table
CREATE TABLE t (ts TIMESTAMP) WITH (websocket = true);
CREATE TABLE u (ts TIMESTAMP) WITH (websocket = true);
