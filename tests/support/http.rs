//! A small HTTP/1.1 client: JSON, cookies, nothing hidden.

use std::net::SocketAddr;

use bytes::Bytes;
use farwatch_common::clock::Micros;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A time of the API.
pub fn micros(text: &str) -> Micros {
    let parsed: jiff::Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Micros(parsed.as_microsecond())
}

/// One caller of the API.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    /// Sent with each request: who one is.
    headers: Vec<(&'static str, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// `data` of a success; fails otherwise.
    pub fn data(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        self.json()["data"].clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new() }
    }

    /// Signs in and keeps the session cookie.
    pub async fn login(address: SocketAddr, email: &str, password: &str) -> Self {
        let mut client = Self::new(address);
        let body = serde_json::json!({ "email": email, "password": password });
        let answer = client.post("/api/v1/login", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.headers[http::header::SET_COOKIE].to_str().unwrap();
        let pair = cookie.split(';').next().unwrap().to_owned();
        client.headers.push(("cookie", pair));
        client
    }

    /// Somebody who has signed in elsewhere.
    pub fn with_cookie(address: SocketAddr, pair: &str) -> Self {
        Self { address, headers: vec![("cookie", pair.to_owned())] }
    }

    /// The browser of a screen, at the wall.
    pub fn with_screen(address: SocketAddr, pair: &str) -> Self {
        let as_screen = ("farwatch-screen", "1".to_owned());
        Self { address, headers: vec![("cookie", pair.to_owned()), as_screen] }
    }

    /// A program with an API key.
    pub fn with_key(address: SocketAddr, key: &str) -> Self {
        Self { address, headers: vec![("authorization", format!("Bearer {key}"))] }
    }

    /// A request as text, for streams that never end.
    pub fn raw_get(&self, path: &str) -> String {
        let header = |(name, value): &(&str, String)| format!("{name}: {value}\r\n");
        let headers: String = self.headers.iter().map(header).collect();
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", self.address)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = Some(body.to_string());
        self.send("POST", path, body).await.unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
            .await
            .unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(body.to_string()))
            .await
            .unwrap_or_else(|error| panic!("PATCH {path}: {error}"))
    }

    /// One request on its own connection; an error where the server is away.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<Answer> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let host = self.address.to_string();
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &host)
            .header("origin", format!("http://{host}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
        let exchange = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = connection => {
                ended?;
                exchange.await
            }
        }
    }
}
