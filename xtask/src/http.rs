//! A client for the collector's plain HTTP on loopback: one request per connection, and a session
//! cookie kept by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Result;
use crate::json::{Json, quote};

const COOKIE: &str = "__Host-farwatch";
const TIMEOUT: Duration = Duration::from_secs(10);
/// A page of the API is far below this.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(crate) struct Client {
    address: SocketAddr,
    cookie: Option<String>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    pub(crate) fn login(&mut self, email: &str, password: &str) -> Result {
        let body = format!("{{\"email\":{},\"password\":{}}}", quote(email), quote(password));
        let answer = self.request("POST", "/api/v1/login", Some(&body))?.successful("login")?;
        let cookie = answer.header("set-cookie").and_then(session_cookie);
        self.cookie = Some(cookie.ok_or("login: the answer sets no session cookie")?);
        Ok(())
    }

    /// The whole answer (`data` and `meta`) of a GET.
    pub(crate) fn get(&self, path: &str) -> Result<Json> {
        self.request("GET", path, None)?.successful(path)?.json(path)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Result<Json> {
        self.request("POST", path, Some(body))?.successful(path)?.json(path)
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> Result<Json> {
        self.request("PUT", path, Some(body))?.successful(path)?.json(path)
    }

    pub(crate) fn patch(&self, path: &str, body: &str) -> Result<Json> {
        self.request("PATCH", path, Some(body))?.successful(path)?.json(path)
    }

    /// Whether the collector says that it is ready; not listening yet counts as no.
    pub(crate) fn is_ready(&self) -> bool {
        self.request("GET", "/health/ready", None).is_ok_and(|answer| answer.status == 200)
    }

    fn request(&self, method: &str, path: &str, body: Option<&str>) -> Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let address = self.address;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
             Accept: application/json\r\nConnection: close\r\n"
        );
        if let Some(cookie) = &self.cookie {
            head.push_str(&format!("Cookie: {COOKIE}={cookie}\r\n"));
        }
        let has_body = body.is_some();
        let body = body.unwrap_or_default();
        if has_body {
            let length = body.len();
            head.push_str(&format!(
                "Content-Type: application/json\r\nContent-Length: {length}\r\n"
            ));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        Answer::parse(&String::from_utf8_lossy(&answer))
            .ok_or_else(|| format!("{method} {path}: not an HTTP answer").into())
    }
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: body.to_owned() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = joined_chunks(body)?;
        }
        Some(answer)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn successful(self, what: &str) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(format!("{what}: HTTP {}: {}", self.status, self.body.trim()).into())
    }

    fn json(&self, what: &str) -> Result<Json> {
        Json::parse(&self.body).map_err(|e| format!("{what}: {e}").into())
    }
}

fn session_cookie(set_cookie: &str) -> Option<String> {
    let value = set_cookie.strip_prefix(COOKIE)?.strip_prefix('=')?;
    Some(value.split(';').next().unwrap_or(value).to_owned())
}

fn joined_chunks(mut body: &str) -> Option<String> {
    let mut joined = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(joined);
        }
        joined.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_status_headers_and_body() {
        let text = "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-farwatch=abc; Path=/\r\n\r\n{}";
        let answer = Answer::parse(text).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("set-cookie").and_then(session_cookie).as_deref(), Some("abc"));
        assert_eq!(answer.body, "{}");
    }

    #[test]
    fn joins_chunks() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = Answer::parse(&format!("{head}4\r\n{{\"a\"\r\n3\r\n:1}}\r\n0\r\n\r\n"));
        assert_eq!(answer.unwrap().body, "{\"a\":1}");
        assert!(Answer::parse(&format!("{head}9\r\nshort\r\n")).is_none());
    }

    #[test]
    fn a_problem_shows_what_the_collector_said() {
        let text = "HTTP/1.1 409 Conflict\r\n\r\n{\"code\":\"device_exists\"}";
        let problem = Answer::parse(text).unwrap().successful("devices").err().unwrap();
        assert_eq!(problem.to_string(), "devices: HTTP 409: {\"code\":\"device_exists\"}");
    }
}
