//! A mail server that says to each command what it is told to.

use std::sync::{Arc, Mutex};

use farwatch_common::task::spawn_child;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::notify::config::{Encryption, Smtp};
use crate::notify::send::email::Mailer;

#[derive(Default)]
struct Shared {
    /// The answer to commands that begin so.
    answers: Mutex<Vec<(&'static str, &'static str)>>,
    /// The receivers of each mail that was taken.
    taken: Mutex<Vec<Vec<String>>>,
}

pub(super) struct Server {
    port: u16,
    shared: Arc<Shared>,
    cancel: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (shared, cancel) = (Arc::new(Shared::default()), CancellationToken::new());
        let (inner, child) = (shared.clone(), cancel.clone());
        spawn_child(&cancel, async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = inner.clone();
                spawn_child(&child, async move { drop(serve(stream, &shared).await) });
            }
        });
        Self { port, shared, cancel }
    }

    pub(super) fn mailer(&self) -> Mailer {
        let smtp = Smtp {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            encryption: Encryption::None,
            from: "fw@farwatch.example".to_owned(),
            user: Some("farwatch".to_owned()),
            password_file: None,
        };
        Mailer::new(&smtp, Some(&"pass word".into()), None).unwrap()
    }

    /// What it answers from now on; it takes all else.
    pub(super) fn answers(&self, answers: &[(&'static str, &'static str)]) {
        *self.shared.answers.lock().unwrap() = answers.to_vec();
    }

    /// The receivers of each mail since the last time.
    pub(super) fn taken(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.shared.taken.lock().unwrap())
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 here\r\n").await?;
    let mut receivers = Vec::new();
    loop {
        let line = line(&mut stream).await?;
        let answers = shared.answers.lock().unwrap().clone();
        let told = answers.iter().find(|(command, _)| line.starts_with(command));
        let answer = match (told, line.get(..4).unwrap_or_default()) {
            (Some((_, answer)), _) => answer,
            (None, "EHLO") => "250-here\r\n250 AUTH PLAIN",
            (None, "AUTH") => "235 welcome",
            (None, "RCPT") => {
                let receiver = line.trim_start_matches("RCPT TO:<").trim_end_matches('>');
                receivers.push(receiver.to_owned());
                "250 taken"
            }
            (None, "DATA") => {
                stream.write_all(b"354 go on\r\n").await?;
                while self::line(&mut stream).await? != "." {}
                shared.taken.lock().unwrap().push(std::mem::take(&mut receivers));
                "250 taken"
            }
            (None, _) => "250 well",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}
