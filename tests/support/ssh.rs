//! A device with a command line behind an SSH server: how it asks who logs in, which algorithms it
//! knows and what it answers is each test's choice, and may change while it runs.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session};
use russh::{
    Channel, ChannelId, Disconnect, MethodKind, MethodSet, Preferred, Pty, cipher, kex, mac,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub const USER: &str = "ada";
pub const PASSWORD: &str = "login-canary";

/// How a device asks for the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// RFC 4252, section 8.
    Password,
    /// RFC 4256, for the name too.
    Questions,
}

/// What a device is like.
#[derive(Clone, Debug)]
pub struct Device {
    pub asks: Asks,
    /// Who may log in, and the password.
    pub login: (Cow<'static, str>, Cow<'static, str>),
    /// What its host key is made of.
    pub seed: u8,
    /// Knows only algorithms that are broken.
    pub legacy: bool,
    pub prompt: &'static str,
    pub refusal: &'static str,
    pub answers: Vec<(&'static str, String)>,
    /// Other places of the device.
    pub places: Vec<Place>,
    /// The connection ends in the middle of an answer.
    pub drops: bool,
    /// There is no command line, only commands: one a connection.
    pub commands_only: bool,
}

/// A place of a device that a command leads to.
#[derive(Clone, Debug)]
pub struct Place {
    pub command: &'static str,
    pub prompt: &'static str,
    /// What is answered there in another way.
    pub answers: Vec<(&'static str, String)>,
}

/// A device that runs; gone when dropped.
#[derive(Debug)]
pub struct Server {
    pub port: u16,
    /// `SHA256:…` of the host key.
    pub fingerprint: String,
    device: watch::Sender<Arc<Device>>,
    accepting: JoinHandle<()>,
}

/// A switch that shows `config`.
#[must_use]
pub fn switch(asks: Asks, config: &str) -> Device {
    let version = "Cisco IOS Software, Test Software, Version 15.2\n";
    Device {
        asks,
        login: (USER.into(), PASSWORD.into()),
        seed: 7,
        legacy: false,
        prompt: "sw1#",
        refusal: "% Invalid input detected at '^' marker.",
        answers: vec![
            ("show version", version.to_owned()),
            ("show running-config", config.to_owned()),
        ],
        places: Vec::new(),
        drops: false,
        commands_only: false,
    }
}

impl Device {
    pub async fn start(self) -> Server {
        self.start_at(0).await
    }

    /// On a port of the caller's choice.
    pub async fn start_at(self, port: u16) -> Server {
        self.start_on((Ipv4Addr::LOCALHOST, port).into()).await
    }

    /// At an address of the caller's choice.
    pub async fn start_on(self, at: SocketAddr) -> Server {
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[self.seed; 32]));
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let config = Arc::new(self.config(key));
        let listener = TcpListener::bind(at).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (device, now) = watch::channel(Arc::new(self));
        let accepting = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let device = Arc::clone(&now.borrow());
                let guest = Guest { device, typed: Vec::new(), place: None };
                let config = Arc::clone(&config);
                sessions.spawn(async move {
                    // A client that goes away is no error of the device.
                    if let Ok(session) = russh::server::run_stream(config, stream, guest).await {
                        drop(session.await);
                    }
                });
            }
        });
        Server { port, fingerprint, device, accepting }
    }

    fn config(&self, key: PrivateKey) -> Config {
        let mut preferred = Preferred::DEFAULT;
        if self.legacy {
            preferred.kex = Cow::Borrowed(&[kex::DH_G14_SHA1]);
            preferred.cipher = Cow::Borrowed(&[cipher::AES_128_CBC]);
            preferred.mac = Cow::Borrowed(&[mac::HMAC_SHA1]);
        }
        let method = match self.asks {
            Asks::Password => MethodKind::Password,
            Asks::Questions => MethodKind::KeyboardInteractive,
        };
        Config {
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: Duration::ZERO,
            keys: vec![key],
            preferred,
            ..Config::default()
        }
    }

    fn answer(&self, place: Option<&Place>, command: &str) -> String {
        let there = place.map_or(&[][..], |place| &place.answers);
        let known = there.iter().chain(&self.answers).find(|(name, _)| *name == command);
        known.map_or_else(|| format!("{}\n", self.refusal), |(_, answer)| answer.clone())
    }
}

impl Server {
    /// From now on; who is logged in goes on with what was. Its algorithms and its key stay.
    pub fn answer_as(&self, device: Device) {
        self.device.send_replace(Arc::new(device));
    }

    /// Gives the port back.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // It ends as cancelled.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Who is connected.
struct Guest {
    device: Arc<Device>,
    /// Since the last Enter.
    typed: Vec<u8>,
    /// Which of the device's places; `None`: where one logs in to.
    place: Option<usize>,
}

impl Guest {
    fn place(&self) -> Option<&Place> {
        self.device.places.get(self.place?)
    }

    fn prompt(&self) -> &'static str {
        self.place().map_or(self.device.prompt, |place| place.prompt)
    }

    /// What is said to a command; one that leads elsewhere says nothing.
    fn obey(&mut self, typed: &str) -> String {
        if let Some(to) = self.device.places.iter().position(|place| place.command == typed) {
            self.place = Some(to);
            return String::new();
        }
        if typed.is_empty() { String::new() } else { self.device.answer(self.place(), typed) }
    }

    fn login(&self, by: Asks, right: bool) -> Auth {
        if right && by == self.device.asks { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        // Behind a plus there may be options of the console.
        let name = user.split('+').next();
        let (known, secret) = &self.device.login;
        Ok(self.login(Asks::Password, name == Some(known) && password == secret))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(response) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "Property of nobody".into(),
                prompts: vec![("User: ".into(), true), ("Password: ".into(), false)].into(),
            });
        };
        let given: Vec<_> = response.collect();
        let (known, secret) = &self.device.login;
        Ok(self.login(Asks::Questions, given == [known.as_bytes(), secret.as_bytes()]))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.device.commands_only {
            session.channel_failure(channel)?;
            return session.close(channel);
        }
        session.channel_success(channel)?;
        session.data(channel, self.device.prompt)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        session.data(channel, self.device.answer(None, &String::from_utf8_lossy(command)))?;
        if self.device.drops {
            return Err(russh::Error::Disconnect);
        }
        session.exit_status_request(channel, 0)?;
        session.eof(channel)?;
        session.close(channel)?;
        if self.device.commands_only {
            session.disconnect(Disconnect::ByApplication, "one command", "en")?;
        }
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        for &byte in data {
            if byte != b'\r' {
                self.typed.push(byte);
                continue;
            }
            let typed = std::mem::take(&mut self.typed);
            let typed = String::from_utf8_lossy(&typed);
            let answer = self.obey(&typed);
            let is_cut = self.device.drops && !answer.is_empty();
            let prompt = if is_cut { "" } else { self.prompt() };
            let shown = format!("{typed}\n{answer}{prompt}");
            session.data(channel, shown.replace('\n', "\r\n"))?;
            if is_cut {
                return Err(russh::Error::Disconnect);
            }
        }
        Ok(())
    }
}
