//! Rows as Parquet files on S3, with a server that keeps objects as S3 does.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::config::Credentials;
use weir::{
    sink::Sink,
    time::{SystemClock, Timestamp},
};

use super::{
    catalog::catalog,
    fixture::{Letters, SQL, batch, rows, settings, thing},
    server::{Asked, Reply, Server, say},
};

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

fn answer(objects: &Objects, asked: &Asked) -> (u16, Vec<u8>) {
    let mut objects = objects.lock().unwrap();
    match asked.method.as_str() {
        "PUT" => drop(objects.insert(asked.path.clone(), asked.body.clone())),
        method => panic!("{method} {}", asked.path),
    }
    (200, Vec::new())
}

async fn stand(server: &Server, target: &str) -> Sink<Letters> {
    let keys = Credentials::new("key", "secret", None, None, "test");
    let url = format!("http://{}", server.address);
    let loader = aws_config::defaults(BehaviorVersion::latest()).endpoint_url(url);
    let aws = loader.region(Region::from_static("eu-central-1")).credentials_provider(keys).load().await;
    Sink::with_aws(settings(target), &catalog(SQL), Letters::default(), Arc::new(SystemClock), &aws).unwrap()
}

#[tokio::test]
async fn an_object_is_put_once_and_again_under_the_same_key() {
    let objects = Objects::default();
    let kept = Arc::clone(&objects);
    let slow = say(503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>");
    let server = Server::with([slow, Reply::Hang], move |asked| answer(&kept, asked)).await;
    let sink = stand(&server, "s3://rows/web/").await;
    let values = batch("things", 0, &[thing("a", 0, 0), thing("b", 0, 0), thing("a", -1, 0)]);
    for _ in 0..2 {
        sink.sink(&values, Timestamp::MAX).await.unwrap();
    }
    let objects = objects.lock().unwrap();
    let told = objects.iter().fold(String::new(), |mut told, (path, object)| {
        let path = path.rsplit_once('-').unwrap().0;
        writeln!(told, "{path} {}", rows(object.clone()).len()).unwrap();
        told
    });
    assert_eq!(
        told,
        "/rows/web/view%3Dthings/date%3D2026-11-20/things-0-000000000000-000000000002 1\n\
         /rows/web/view%3Dthings/date%3D2026-11-21/things-0-000000000000-000000000002 2\n"
    );
    let asked = server.take();
    assert!(
        asked.iter().all(|asked| asked.header("authorization").contains("/eu-central-1/s3/aws4_request"))
    );
    assert_eq!(asked.len(), 6, "one was turned away, one got no answer, four were taken");
}

#[tokio::test]
async fn a_refusal_fails_the_batch() {
    let denied = say(
        403,
        "<Error><Code>AccessDenied</Code><Message>not authorized to perform: s3:PutObject</Message></Error>",
    );
    let server = Server::start([denied]).await;
    let sink = stand(&server, "s3://rows").await;
    let error = sink.sink(&batch("things", 0, &[thing("a", 0, 0)]), Timestamp::MAX).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to write rows of things from things-0 to s3://rows/: S3 answered AccessDenied: not authorized to \
         perform: s3:PutObject"
    );
}
