//! An HTTP server that answers as it is told and remembers what it was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Response},
};
use tokio::net::TcpListener;

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What the server answers: a status and a text, or nothing at all.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Say(u16, String),
    Hang,
}

pub(crate) fn say(status: u16, text: &str) -> Reply {
    Reply::Say(status, text.to_owned())
}

/// What answers where nothing was told.
type Otherwise = Box<dyn Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync>;

struct Book {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
    otherwise: Otherwise,
}

/// A server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    book: Arc<Book>,
}

impl Server {
    /// One that gives these answers, and 200 without a text where none is left.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(replies, |_| (200, Vec::new())).await
    }

    /// One that gives these answers, and then those.
    pub(crate) async fn with(
        replies: impl IntoIterator<Item = Reply>,
        otherwise: impl Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies = Mutex::new(replies.into_iter().collect());
        let book = Arc::new(Book { replies, asked: Mutex::default(), otherwise: Box::new(otherwise) });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&book));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, book }
    }

    /// Answers so from now on.
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.book.replies.lock().unwrap().extend(replies);
    }

    /// Takes out what it was asked.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.book.asked.lock().unwrap())
    }
}

async fn answer(State(book): State<Arc<Book>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let asked = Asked {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers: head.headers,
        body: to_bytes(body, 1 << 24).await.unwrap().to_vec(),
    };
    book.asked.lock().unwrap().push(asked.clone());
    let reply = book.replies.lock().unwrap().pop_front();
    let (status, text) = match reply {
        Some(Reply::Hang) => std::future::pending().await,
        Some(Reply::Say(status, text)) => (status, text.into_bytes()),
        None => (book.otherwise)(&asked),
    };
    Response::builder().status(status).body(Body::from(text)).unwrap()
}
