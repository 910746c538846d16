//! A catalog, rows in memory, and answers as text.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use tower::ServiceExt;
use weir::{
    api::Views,
    engine::{ClosedRow, EngineError, HistoryPage, HistoryQuery, Key, KeyRows, PartitionStatus, ViewStatus},
    sql::{
        Catalog, Column, Entrance, Expr, Field, Format, Options, Origin, Output, Source, Table, View, Window,
    },
    state::StateError,
    time::{Millis, Offset, Timestamp},
    value::{Type, Value},
};

/// The table of impressions and three views: with one key, with two, with none.
pub(crate) fn catalog() -> Catalog {
    Catalog {
        tables: vec![impressions()],
        views: vec![
            view(
                "ctr",
                &[("product_id", Type::Text)],
                &[("impressions", Type::BigInt), ("ctr", Type::Double)],
            ),
            view("orders", &[("region", Type::Text), ("shop", Type::BigInt)], &[("total", Type::Double)]),
            view("totals", &[], &[("events", Type::BigInt)]),
        ],
        files: Vec::new(),
    }
}

fn impressions() -> Table {
    let column = |name: &str, kind, not_null| Column::new(name, kind, not_null);
    Table {
        name: "impressions".to_owned(),
        topic: "raw_impressions".to_owned(),
        columns: vec![
            column("product_id", Type::Text, true),
            column("user_id", Type::Text, false),
            column("ts", Type::Timestamp, true),
        ],
        format: Format::Json,
        key: Some(0),
        event_time: 2,
        watermark_delay: Millis::seconds(2),
        max_ahead: Millis::hours(1),
        entrance: Entrance::default(),
    }
}

fn view(name: &str, keys: &[(&str, Type)], values: &[(&str, Type)]) -> View {
    let fields = |fields: &[(&str, Type)]| -> Vec<Field> {
        fields.iter().map(|(name, kind)| Field { name: (*name).to_owned(), kind: *kind }).collect()
    };
    let outputs = fields(&[keys, values].concat());
    let outputs = outputs.into_iter().enumerate();
    View {
        name: name.to_owned(),
        fingerprint: 1,
        sources: vec![Source {
            origin: Origin::Table(0),
            filter: None,
            keys: vec![Expr::Column(0)],
            inputs: Vec::new(),
            carried: Vec::new(),
        }],
        window: Window::Grid { size: Millis::seconds(10), slide: Millis::seconds(10) },
        keys: fields(keys),
        keeps_windows: false,
        aggregates: Vec::new(),
        previous: Vec::new(),
        carried: Vec::new(),
        pattern: None,
        outputs: outputs.map(|(slot, field)| Output { field, expr: Expr::Column(slot) }).collect(),
        having: None,
        options: Options {
            topic: (name == "ctr").then(|| "ctr_results".to_owned()),
            allowed_lateness: Millis::seconds(5),
            ..Options::default()
        },
    }
}

pub(crate) fn row(start: i64, revision: u32, values: Vec<Value<'static>>) -> ClosedRow {
    ClosedRow {
        window_start: Timestamp(start),
        window_end: Timestamp(start + 10_000),
        events: 1,
        revision,
        record: None,
        values,
    }
}

/// What the store does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Answers,
    Empty,
    Away,
    Damaged,
}

/// Two products, two orders and a total; the watermark has passed the first window for good.
pub(crate) struct MemoryViews {
    catalog: Catalog,
    store: Store,
}

impl MemoryViews {
    pub(crate) fn new(store: Store) -> Arc<Self> {
        Arc::new(Self { catalog: catalog(), store })
    }

    /// The views of other SQL, without rows.
    pub(crate) fn over(catalog: Catalog) -> Arc<Self> {
        Arc::new(Self { catalog, store: Store::Empty })
    }

    fn read(&self, view: &View) -> Result<Vec<(Vec<Value<'static>>, KeyRows)>, EngineError> {
        self.answer()?;
        if self.store == Store::Empty {
            return Ok(Vec::new());
        }
        let ctr = |start, revision, product: &'static str, impressions, ctr| {
            row(start, revision, vec![Value::text(product), Value::Int(impressions), Value::Float(ctr)])
        };
        let order = |region: &'static str, shop, total| {
            let key = vec![Value::text(region), Value::Int(shop)];
            let values = vec![Value::text(region), Value::Int(shop), Value::Float(total)];
            (key, KeyRows { latest: row(10_000, 0, values), previous: None })
        };
        Ok(match view.name.as_str() {
            "ctr" => vec![
                (vec![Value::text("p/2 ü")], KeyRows { latest: ctr(0, 0, "p/2 ü", 4, 0.25), previous: None }),
                (
                    vec![Value::text("p1")],
                    KeyRows { latest: ctr(10_000, 1, "p1", 2, 0.5), previous: Some(ctr(0, 0, "p1", 1, 0.0)) },
                ),
                (
                    vec![Value::text("latest")],
                    KeyRows { latest: ctr(0, 0, "latest", 9, 0.125), previous: None },
                ),
            ],
            "orders" => vec![order("eu", 17, 12.5), order("eu", -3, 0.5)],
            _ => vec![(
                Vec::new(),
                KeyRows { latest: row(0, 0, vec![Value::Int(9_007_199_254_740_993)]), previous: None },
            )],
        })
    }

    fn answer(&self) -> Result<(), EngineError> {
        match self.store {
            Store::Answers | Store::Empty => Ok(()),
            Store::Away => Err(EngineError::State(StateError::Call {
                action: "read",
                subject: "the head of ctr".to_owned(),
                source: "secret-host:8000 refused the connection".into(),
            })),
            Store::Damaged => Err(EngineError::State(StateError::Damaged {
                subject: "a page of ctr".to_owned(),
                reason: "version 9, expected 1".to_owned(),
            })),
        }
    }
}

impl Views for MemoryViews {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    async fn latest(&self, view: &View) -> Result<Vec<(Key, KeyRows)>, EngineError> {
        self.read(view)
    }

    async fn key(&self, view: &View, key: &[Value<'_>]) -> Result<Option<KeyRows>, EngineError> {
        Ok(self.read(view)?.into_iter().find(|(known, _)| known == key).map(|(_, rows)| rows))
    }

    async fn history(&self, _: &View, _: &HistoryQuery) -> Result<HistoryPage, EngineError> {
        self.answer().map(|()| HistoryPage::default())
    }

    async fn status(&self, _: &View) -> Result<ViewStatus, EngineError> {
        self.answer()?;
        if self.store == Store::Empty {
            return Ok(ViewStatus { closed: None, partitions: Vec::new() });
        }
        let partition = PartitionStatus {
            topic: "raw_impressions".to_owned(),
            partition: 0,
            next: Offset::at(42),
            watermark: Some(Timestamp(20_000)),
            seen_at: Timestamp(30_000),
            idle: false,
        };
        Ok(ViewStatus { closed: Some(Timestamp(20_000)), partitions: vec![partition] })
    }

    async fn ping(&self) -> Result<(), EngineError> {
        self.answer()
    }
}

pub(crate) fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

/// The status, the headers that are part of the contract, and the body.
pub(crate) async fn answer(router: &Router, request: Request<Body>) -> String {
    let response = router.clone().oneshot(request).await.unwrap();
    let head = head(&response);
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    format!("{head}\n{}", String::from_utf8_lossy(&body))
}

fn head(response: &Response<Body>) -> String {
    let mut head = response.status().as_u16().to_string();
    let names =
        [header::CONTENT_TYPE, header::CACHE_CONTROL, header::LINK, header::ALLOW, header::RETRY_AFTER];
    for name in names {
        if let Some(value) = response.headers().get(&name) {
            head.extend(["\n", name.as_str(), ": ", value.to_str().unwrap()]);
        }
    }
    head
}
