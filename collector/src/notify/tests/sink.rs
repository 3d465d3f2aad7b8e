//! A receiver of webhooks that answers as it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use farwatch_common::task::spawn_child;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// Requests that may wait to be looked at.
const SEEN_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Status(u16),
    /// 429, to come again after so many seconds.
    Busy(u64),
    Redirect(String),
    /// Takes the request and says nothing.
    Never,
    /// Says 200 once [`Sink::release`] is called.
    Held,
    /// Says 200 and goes on for ever.
    Endless,
    /// Says 200, then a part of the answer, and then nothing.
    Open,
    Garbage,
}

#[derive(Debug)]
pub(super) struct Request {
    headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or_else(|| panic!("no {name} in {self:?}"), String::as_str)
    }
}

struct Shared {
    answer: Mutex<Answer>,
    count: AtomicUsize,
    released: Notify,
}

pub(super) struct Sink {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    requests: tokio::sync::Mutex<mpsc::Receiver<Request>>,
    cancel: CancellationToken,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Sink {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, requests) = mpsc::channel(SEEN_MAX);
        let (answer, count) = (Mutex::new(answer), AtomicUsize::new(0));
        let shared = Arc::new(Shared { answer, count, released: Notify::new() });
        let (cancel, inner) = (CancellationToken::new(), shared.clone());
        let child = cancel.clone();
        spawn_child(&cancel, async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_child(&child, serve(stream, inner.clone(), seen.clone()));
            }
        });
        Self { address, shared, requests: requests.into(), cancel }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook/hunter2", self.address)
    }

    pub(super) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    pub(super) fn release(&self) {
        self.shared.released.notify_one();
    }

    /// The next request; the runner's time-out ends a test that waits in vain.
    pub(super) async fn next(&self) -> Request {
        self.requests.lock().await.recv().await.unwrap()
    }

    pub(super) fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>, seen: mpsc::Sender<Request>) {
    let Some(request) = read(&mut stream).await else { return };
    shared.count.fetch_add(1, Ordering::SeqCst);
    let answer = shared.answer.lock().unwrap().clone();
    // A test that ended looks at nothing more.
    let _ = seen.try_send(request);
    let head = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"),
        Answer::Busy(seconds) => {
            format!("HTTP/1.1 429 X\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n")
        }
        Answer::Redirect(to) => {
            format!("HTTP/1.1 302 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
        }
        Answer::Never => return std::future::pending().await,
        Answer::Held => {
            shared.released.notified().await;
            "HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 X\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            return;
        }
        Answer::Open => {
            let part = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n";
            let _ = stream.write_all(part).await;
            return std::future::pending().await;
        }
        Answer::Garbage => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
    };
    let _ = stream.write_all(head.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let pair = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    };
    let headers: BTreeMap<_, _> = head.lines().filter_map(pair).collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    Some(Request { headers, body })
}

/// An address where nothing listens any more.
pub(super) async fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
