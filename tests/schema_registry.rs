//! The promise: values are read by the schemas that their registry has, asked for once; a registry that does not
//! answer loses nothing.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]
#![cfg(all(feature = "api", feature = "registry", feature = "sink"))]

#[path = "support/catalog.rs"]
mod catalog;
#[expect(dead_code, reason = "other tests ask more of it")]
#[path = "support/server.rs"]
mod server;

use std::{collections::HashMap, sync::Arc};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sns::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value as Json, json};
use weir::{
    engine::{Engine, EngineError, Settings},
    event::{RawBatch, SchemaId},
    publish::{MemoryPublisher, Message, PublishError, Publisher, Standing, Topics},
    schemas::{Confluent, Definition, Glue, Registry, Schemas},
    state::MemoryStore,
    time::{ManualClock, Offset, Timestamp},
};

use self::server::{Asked, Reply, Server, say};

const ORDER: &str = include_str!("data/avro/order.avsc");
const GLUE_ID: &str = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63";
const NOT_FOUND: &str = r#"{"error_code":40403,"message":"Schema not found"}"#;

fn frames(name: &str) -> Vec<Vec<u8>> {
    let all: HashMap<String, Vec<String>> =
        serde_json::from_str(include_str!("data/avro/frames.json")).unwrap();
    let byte = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    all[name].iter().map(|hex| (0..hex.len()).step_by(2).map(|at| byte(hex, at)).collect()).collect()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp(1_700_000_001_000)))
}

fn confluent(address: &str, token: Option<&str>) -> Confluent {
    Confluent::new(address, token, clock()).unwrap()
}

fn order() -> Reply {
    say(200, &json!({ "schema": ORDER }).to_string())
}

async fn get(registry: &impl Registry, id: u32) -> Result<Option<Definition>, String> {
    registry.schema(SchemaId::Number(id)).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_schema_is_got_by_its_id_with_name_and_password_or_a_token() {
    let server = Server::start([order(), order(), order()]).await;
    let registry = confluent(&format!("http://Aladdin:open%20sesame@{}/ccompat/", server.address), None);
    let found = get(&registry, 7).await.unwrap().unwrap();
    assert_eq!(found, Definition { kind: "AVRO".into(), text: ORDER.into(), references: Vec::new() });
    get(&confluent(&format!("http://{}", server.address), Some("s3cret")), 8).await.unwrap();
    get(&confluent(&format!("http://{}", server.address), None), 9).await.unwrap();
    let asked = server.take();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/ccompat/schemas/ids/7", "/schemas/ids/8", "/schemas/ids/9"]);
    let headers: Vec<_> = asked.iter().map(|asked| asked.header("authorization")).collect();
    assert_eq!(headers, ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer s3cret", ""]);
    assert!(asked[0].header("accept").starts_with("application/vnd.schemaregistry.v1+json"));
}

#[tokio::test]
async fn what_a_schema_refers_to_comes_before_it_and_once() {
    let reference = |name: &str| json!({ "name": name, "subject": name, "version": 3 });
    let answers = move |asked: &Asked| {
        let answer = match asked.path.as_str() {
            "/schemas/ids/1" => {
                json!({ "schema": "order", "references": [reference("a/item"), reference("id")] })
            }
            "/subjects/a%2Fitem/versions/3" => json!({ "schema": "item", "references": [reference("id")] }),
            "/subjects/id/versions/3" => json!({ "schema": "id", "references": [] }),
            other => panic!("{other}"),
        };
        (200, answer.to_string().into_bytes())
    };
    let server = Server::with([], answers).await;
    let found = get(&confluent(&format!("http://{}", server.address), None), 1).await.unwrap().unwrap();
    let found: Vec<_> =
        found.references.iter().map(|each| (each.name.as_str(), each.text.as_str())).collect();
    assert_eq!(found, [("id", "id"), ("a/item", "item")]);
    assert_eq!(server.take().len(), 3);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_told() {
    let server = Server::start([say(503, "busy"), say(500, ""), order()]).await;
    let registry = confluent(&format!("http://name:s3cret@{}", server.address), None);
    assert!(get(&registry, 1).await.unwrap().is_some());
    server.take();
    server.reply([say(401, "Unauthorized")]);
    let reason = get(&registry, 1).await.unwrap_err();
    let told = format!("http://{}/schemas/ids/1 answered 401 Unauthorized: Unauthorized", server.address);
    assert_eq!(reason, format!("failed to get schema 1: {told}"));
    server.reply([say(404, NOT_FOUND)]);
    assert_eq!(get(&registry, 1).await, Ok(None));
    // That is no registry: a wrong path, most likely.
    server.reply([say(404, "<html>"), say(200, "<html>")]);
    assert!(get(&registry, 1).await.unwrap_err().contains("answered 404 Not Found: <html>"));
    assert!(get(&registry, 1).await.unwrap_err().contains("answered what is no schema"));
    assert_eq!(server.take().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_says_nothing_is_waited_for_only_so_long() {
    let server = Server::start([Reply::Hang, Reply::Hang, Reply::Hang, Reply::Hang]).await;
    let registry = confluent(&format!("http://{}", server.address), None);
    let reason = get(&registry, 1).await.unwrap_err();
    assert!(reason.contains("no answer within"), "{reason}");
}

#[test]
fn an_address_that_is_none_is_refused_without_telling_it() {
    for address in ["registry:8081", "ftp://h", "http://h/?x", "s3cret", "https://"] {
        let error = Confluent::new(address, None, clock()).unwrap_err().to_string();
        assert!(error.starts_with("failed to read the address of the schema registry: "), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let error = Confluent::new("http://h", Some("a\nb"), clock()).unwrap_err().to_string();
    assert!(error.contains("the token makes no header"), "{error}");
}

fn aws() -> SdkConfig {
    let keys = Credentials::new("AKIDEXAMPLE", "s3cret", Some("session".into()), None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build()
}

fn glue(server: &Server) -> Glue {
    Glue::new(aws(), Some(format!("http://{}", server.address)), clock()).unwrap()
}

#[tokio::test]
async fn glue_is_asked_by_a_signed_request() {
    let found = json!({ "SchemaVersionId": GLUE_ID, "SchemaDefinition": ORDER, "DataFormat": "AVRO", "Status": "AVAILABLE" });
    let throttled = say(400, r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#);
    let server = Server::start([throttled, say(200, &found.to_string())]).await;
    let id = SchemaId::Uuid(GLUE_ID.parse().unwrap());
    let definition = glue(&server).schema(id).await.unwrap().unwrap();
    assert_eq!((definition.kind.as_str(), definition.text.as_str()), ("AVRO", ORDER));
    let asked = server.take();
    assert_eq!(asked.len(), 2);
    let last = &asked[1];
    assert_eq!((last.path.as_str(), last.text()), ("/", json!({ "SchemaVersionId": GLUE_ID }).to_string()));
    assert_eq!(last.header("x-amz-target"), "AWSGlue.GetSchemaVersion");
    assert_eq!(last.header("x-amz-security-token"), "session");
    assert_eq!(last.header("x-amz-date"), "20231114T221321Z");
    let authorization = last.header("authorization");
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/glue/aws4_request, SignedHeaders=content-type;host;";
    assert!(authorization.starts_with(scope), "{authorization}");
    assert!(!authorization.contains("s3cret"));
}

#[tokio::test]
async fn glue_tells_what_is_not_there_from_what_may_not_be_asked() {
    let refused = |kind: &str| say(400, &json!({ "__type": kind, "Message": "no" }).to_string());
    let server = Server::start([refused("EntityNotFoundException"), refused("AccessDeniedException")]).await;
    let (glue, id) = (glue(&server), SchemaId::Uuid(GLUE_ID.parse().unwrap()));
    assert_eq!(glue.schema(id).await, Ok(None));
    let error = glue.schema(id).await.unwrap_err().to_string();
    assert!(error.contains("AccessDeniedException"), "{error}");
    let nowhere = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
    let error = Glue::new(nowhere, None, clock()).unwrap_err().to_string();
    assert!(error.contains("expected a region"), "{error}");
}

const SQL: &str = "
    CREATE TABLE orders (user_id TEXT NOT NULL, items JSON, quantity BIGINT, ts TIMESTAMP NOT NULL)
    WITH (format = 'FORMAT');
    CREATE VIEW bought WITH (topic = 'bought') AS
    SELECT user_id, items -> 0 ->> 'product_id' AS first, sum(quantity) AS quantity
    FROM orders GROUP BY user_id, items -> 0 ->> 'product_id', TUMBLE(ts, INTERVAL '10' SECOND);";

#[derive(Clone, Default)]
struct Broker(Arc<MemoryPublisher>);

impl Publisher for Broker {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        self.0.publish(messages).await
    }
}

impl Topics for Broker {
    async fn partitions(&self, _topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some(vec![0]))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}

type TestEngine = Engine<Arc<MemoryStore>, Broker, Broker>;

fn engine(format: &str, schemas: Schemas) -> (TestEngine, Broker) {
    let catalog = Arc::new(catalog::catalog(&SQL.replace("FORMAT", format)));
    let broker = Broker::default();
    let (store, topics) = (Arc::default(), broker.clone());
    let engine = Engine::new(catalog, store, broker.clone(), topics, clock(), Settings::default());
    (engine.with_schemas(schemas), broker)
}

fn batch(values: &[Vec<u8>]) -> RawBatch {
    let mut raw = RawBatch { topic: "orders".into(), ..RawBatch::default() };
    for (offset, value) in (0..).zip(values) {
        raw.push(Offset::at(offset), None, value);
    }
    raw
}

fn rows(messages: &[Message], topic: &str) -> Vec<Json> {
    let messages = messages.iter().filter(|message| message.topic == topic);
    messages.map(|message| serde_json::from_slice(&message.payload).unwrap()).collect()
}

#[tokio::test]
async fn nothing_is_lost_while_the_registry_is_down() {
    let down = (0..4).map(|_| say(503, "down"));
    let server = Server::start(down).await;
    let registry = confluent(&format!("http://{}", server.address), None);
    let (engine, broker) = engine("avro-confluent", Schemas::new(Some(Arc::new(registry)), None));
    let mut values = frames("confluent");
    values.swap(0, 1);
    // An id that nobody has, an event as the API sends it, and one far later that closes the first window.
    values.push([&[0, 0, 0, 0, 9][..], b"x"].concat());
    let later = r#"{"user_id":"u2","quantity":1,"items":[],"ts":1700000000999}"#;
    values.push(later.as_bytes().to_vec());
    let raw = batch(&values);
    let error = engine.absorb(&raw).await.unwrap_err();
    assert!(matches!(error, EngineError::Registry(_)), "{error}");
    assert!(broker.0.take().is_empty());
    server.take();
    // The schema, and that the other one is not there.
    server.reply([order(), say(404, NOT_FOUND)]);
    let absorbed = engine.absorb(&raw).await.unwrap();
    assert_eq!((absorbed.records, absorbed.dead, absorbed.accepted), (4, 1, 3));
    assert_eq!(server.take().len(), 2);
    let messages = broker.0.take();
    let letter = messages.iter().find(|message| message.topic == "weir.dead_letters").unwrap();
    let header = |name: &str| letter.headers.iter().find(|(header, _)| *header == name).unwrap().1.clone();
    assert_eq!(header("weir.offset"), "2");
    assert_eq!(header("weir.reason"), "unknown schema 9: the schema registry does not have it");
    assert_eq!(letter.payload, values[2]);
    engine.finish().await.unwrap();
    let mut found: Vec<_> = rows(&messages, "bought");
    found.extend(rows(&broker.0.take(), "bought"));
    let found: Vec<_> = found
        .iter()
        .map(|row| (row["user_id"].clone(), row["first"].clone(), row["quantity"].clone()))
        .collect();
    let expected = [
        (json!("użytkownik"), Json::Null, json!(i32::MIN)),
        (json!("u1"), json!("p\"1\""), json!(3)),
        (json!("u2"), Json::Null, json!(1)),
    ];
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(expected.iter().all(|row| found.contains(row)), "{found:?}");
}

const PROTO: &str = r#"
    syntax = "proto3";
    package shop;
    import "google/protobuf/timestamp.proto";
    import "shop/item.proto";
    message Noted { message Order {
      string user_id = 1;
      repeated Item items = 2;
      int64 quantity = 3;
      google.protobuf.Timestamp ts = 4;
    } }
"#;
const ITEM: &str =
    r#"syntax = "proto3"; package shop; message Item { string id = 1 [json_name = "product_id"]; }"#;

/// An order of three of a product at a moment, as any serializer of Protobuf writes it.
fn order_of(user: &str) -> Vec<u8> {
    let user_id = [&[0x0a, u8::try_from(user.len()).unwrap()][..], user.as_bytes()].concat();
    let item = [&[0x12, 4, 0x0a, 2][..], b"p1"].concat();
    // 1700000000 seconds.
    let rest = [0x18, 3, 0x22, 6, 0x08, 0x80, 0xe2, 0xcf, 0xaa, 0x06];
    [&user_id[..], &item, &rest].concat()
}

/// What the views have of orders of Protobuf in frames.
async fn bought(format: &str, schemas: Schemas, frames: &[Vec<u8>]) -> Vec<Json> {
    let (engine, broker) = engine(format, schemas);
    let absorbed = engine.absorb(&batch(frames)).await.unwrap();
    let letters = broker.0.take();
    assert_eq!((absorbed.dead, absorbed.accepted), (0, frames.len() as u64), "{letters:?}");
    engine.finish().await.unwrap();
    let mut rows = rows(&broker.0.take(), "bought");
    rows.sort_by_key(|row| row["user_id"].to_string());
    rows.iter().map(|row| json!([row["user_id"], row["first"], row["quantity"]])).collect()
}

#[tokio::test]
async fn protobuf_in_confluents_frames_reaches_the_rows_with_what_its_schema_imports() {
    let answers = |asked: &Asked| {
        let reference = json!({ "name": "shop/item.proto", "subject": "item", "version": 2 });
        let answer = match asked.path.as_str() {
            "/schemas/ids/7" => {
                json!({ "schemaType": "PROTOBUF", "schema": PROTO, "references": [reference] })
            }
            "/subjects/item/versions/2" => json!({ "schemaType": "PROTOBUF", "schema": ITEM }),
            other => panic!("{other}"),
        };
        (200, answer.to_string().into_bytes())
    };
    let server = Server::with([], answers).await;
    let registry = confluent(&format!("http://{}", server.address), None);
    let frame = |user| [&[0, 0, 0, 0, 7, 4, 0, 0][..], &order_of(user)].concat();
    let schemas = Schemas::new(Some(Arc::new(registry)), None);
    let found = bought("protobuf-confluent", schemas, &[frame("u1"), frame("u2"), frame("u1")]).await;
    assert_eq!(found, [json!(["u1", "p1", 6]), json!(["u2", "p1", 3])]);
    assert_eq!(server.take().len(), 2);
}

#[tokio::test]
async fn protobuf_in_glues_frames_reaches_the_rows_compressed_or_not() {
    // Glue's schemas refer to no others.
    let text = PROTO.replace("import \"shop/item.proto\";", ITEM.split_once("shop; ").unwrap().1);
    let found = json!({ "SchemaDefinition": text, "DataFormat": "PROTOBUF" }).to_string();
    let server = Server::start([say(200, &found)]).await;
    let id = GLUE_ID.parse::<uuid::Uuid>().unwrap();
    // Item, Noted, Noted.Order: by their names.
    let value = |user| [&[2][..], &order_of(user)].concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, &value("u2")).unwrap();
    let frames = [
        [&[3, 0][..], id.as_bytes(), &value("u1")].concat(),
        [&[3, 5][..], id.as_bytes(), &zlib.finish().unwrap()].concat(),
    ];
    let schemas = Schemas::new(None, Some(Arc::new(glue(&server))));
    let found = bought("protobuf-glue", schemas, &frames).await;
    assert_eq!(found, [json!(["u1", "p1", 3]), json!(["u2", "p1", 3])]);
}

#[tokio::test]
async fn protobuf_that_cannot_be_read_is_a_dead_letter_that_says_why() {
    let say_proto = |text: &str| say(200, &json!({ "schemaType": "PROTOBUF", "schema": text }).to_string());
    let server =
        Server::start([say_proto(PROTO), say_proto("syntax = \"proto3\"; message R { int64 ts = 1; }")])
            .await;
    let registry = confluent(&format!("http://{}", server.address), None);
    let (engine, broker) = engine("protobuf-confluent", Schemas::new(Some(Arc::new(registry)), None));
    // Of a schema that lacks what it imports; of no message; cut short; and JSON, which the API sends.
    let json = br#"{"user_id":"u","ts":1700000000000}"#;
    let values =
        [vec![0, 0, 0, 0, 7, 0], vec![0, 0, 0, 0, 8, 2, 6], vec![0, 0, 0, 0, 8, 0, 0x08], json.to_vec()];
    let absorbed = engine.absorb(&batch(&values)).await.unwrap();
    assert_eq!((absorbed.dead, absorbed.accepted), (3, 1));
    let messages = broker.0.take();
    let letters = messages.iter().filter(|message| message.topic == "weir.dead_letters");
    let reason = |message: &Message| {
        message.headers.iter().find(|(name, _)| *name == "weir.reason").unwrap().1.clone()
    };
    let reasons: Vec<_> = letters.map(reason).collect();
    let expected = [
        "schema 7 is no Protobuf schema: schema:5:5: import 'shop/item.proto' not found",
        "no message of its schema is named behind the frame: the schema has none at [3] (schema 8)",
        "not Protobuf of its schema: before byte 1: ends in the middle of a value (schema 8)",
    ];
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn glues_frames_reach_the_rows() {
    let found = json!({ "SchemaDefinition": ORDER, "DataFormat": "AVRO" }).to_string();
    let server = Server::start([say(200, &found)]).await;
    let schemas = Schemas::new(None, Some(Arc::new(glue(&server))));
    let (engine, broker) = engine("avro-glue", schemas);
    let values = [frames("glue").remove(1), frames("glue_zlib").remove(0)];
    let absorbed = engine.absorb(&batch(&values)).await.unwrap();
    assert_eq!((absorbed.dead, absorbed.accepted), (0, 2));
    engine.finish().await.unwrap();
    assert_eq!(rows(&broker.0.take(), "bought").len(), 2);
    assert_eq!(server.take().len(), 1);
}
