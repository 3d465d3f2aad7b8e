//! One command line of a device: its channel beside the session's core.
//!
//! In: commands. Out: the lines of their answers. Bound: one command at a time, the core's sizes,
//! [`SILENCE_MAX`] and [`WORK_MAX`]; when a device says nothing for that long, an error. On a crash
//! the connection ends, and the device with its side of it.

use std::time::Duration;

use farwatch_common::secret::Secret;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};

use super::platform::{Answer, Platforms};
use super::session::{Act, ENTER, Session};
use super::ssh::Connection;
use super::terminal::Terminal;
use super::{FetchError, Login};

/// Until the first prompt.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A device that builds a large configuration is silent for long.
const WORK_MAX: Duration = Duration::from_secs(150);
/// Wide, so that nothing is wrapped; some devices refuse more. High, so that few pages are turned.
const COLUMNS: u32 = 511;
const ROWS: u32 = 1_000;
/// No colours, no questions about the terminal.
const TERM: &str = "dumb";

/// The prompt of a device.
pub(super) struct CommandLine<'a> {
    channel: Channel<Msg>,
    session: Session<'a>,
    login: &'a Login,
}

impl<'a> CommandLine<'a> {
    /// Opens a shell and waits for its prompt.
    pub(super) async fn open(
        connection: &Connection,
        platforms: &'a Platforms,
        login: &'a Login,
    ) -> Result<Self, FetchError> {
        let channel = connection.handle.channel_open_session().await?;
        channel.request_pty(false, TERM, COLUMNS, ROWS, 0, 0, &[]).await?;
        channel.request_shell(false).await?;
        let session = Session::new(&platforms.asks, &platforms.pagers);
        let mut line = Self { channel, session, login };
        line.ready().await?;
        Ok(line)
    }

    /// What the device said at login, and its prompt.
    pub(super) fn greeting(&self) -> String {
        let mut text = self.session.greeting().join("\n");
        text.push('\n');
        text.push_str(self.session.prompt());
        text
    }

    pub(super) fn prompt(&self) -> &str {
        self.session.prompt()
    }

    /// Runs a command; gives the lines between its echo and the next prompt.
    pub(super) async fn run(&mut self, command: &str) -> Result<Vec<String>, FetchError> {
        let typed = self.session.command(command);
        self.send(typed).await?;
        self.ready().await
    }

    /// Runs a command that may ask for a password.
    pub(super) async fn run_asking(&mut self, command: &str) -> Result<Vec<String>, FetchError> {
        let typed = self.session.asking_command(command);
        self.send(typed).await?;
        self.ready().await
    }

    /// Runs a command that leads to another place of the device.
    pub(super) async fn run_moving(&mut self, command: &str) -> Result<Vec<String>, FetchError> {
        let typed = self.session.moving_command(command);
        self.send(typed).await?;
        self.ready().await
    }

    async fn ready(&mut self) -> Result<Vec<String>, FetchError> {
        loop {
            let patience = self.session.patience();
            let most = if self.prompt().is_empty() { SILENCE_MAX } else { WORK_MAX };
            let heard = tokio::time::timeout(patience.unwrap_or(most), self.channel.wait());
            match heard.await {
                Ok(Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. })) => {
                    self.session.feed(&data);
                    if self.session.is_full() {
                        return Err(FetchError::TooMuch);
                    }
                }
                Ok(Some(ChannelMsg::Close | ChannelMsg::Eof) | None) => {
                    return Err(FetchError::Closed);
                }
                Ok(Some(_)) => {}
                Err(_) if patience.is_none() => return Err(FetchError::Silent),
                Err(_) => match self.session.act()? {
                    Act::Ready(lines) => return Ok(lines),
                    Act::Send(bytes) => self.send(bytes).await?,
                    Act::Answer(what) => {
                        let answer = self.answer(&what)?;
                        self.send([answer.expose(), ENTER.as_bytes()].concat()).await?;
                    }
                },
            }
        }
    }

    fn answer(&self, what: &Answer) -> Result<Secret, FetchError> {
        let password = || self.login.password.clone().ok_or(FetchError::Login);
        match what {
            Answer::Keys(keys) => Ok(Secret::from(keys.as_str())),
            Answer::User => Ok(Secret::from(self.login.user.as_str())),
            Answer::Password => password(),
            Answer::EnablePassword => match &self.login.enable {
                Some(enable) => Ok(enable.clone()),
                None => password(),
            },
        }
    }

    async fn send(&self, bytes: Vec<u8>) -> Result<(), FetchError> {
        Ok(self.channel.data_bytes(bytes).await?)
    }
}

/// Runs one command in a channel of its own.
pub(super) async fn execute(
    connection: &Connection,
    command: &str,
) -> Result<Vec<String>, FetchError> {
    let mut channel = connection.handle.channel_open_session().await?;
    channel.exec(false, command).await?;
    let mut terminal = Terminal::default();
    let mut ended = false;
    loop {
        match tokio::time::timeout(WORK_MAX, channel.wait()).await {
            Err(_) => return Err(FetchError::Silent),
            // Beside it come complaints, which are no part of a configuration.
            Ok(Some(ChannelMsg::Data { data })) => {
                terminal.feed(&data);
                if terminal.overflowed() {
                    return Err(FetchError::TooMuch);
                }
            }
            Ok(Some(ChannelMsg::Eof | ChannelMsg::ExitStatus { .. })) => ended = true,
            Ok(Some(ChannelMsg::Close)) => break,
            Ok(None) if ended => break,
            // The connection ended, and not the command.
            Ok(None) => return Err(FetchError::Incomplete),
            Ok(Some(_)) => {}
        }
    }
    // The last line may have no end.
    if !terminal.pending().is_empty() {
        terminal.feed(b"\n");
    }
    if terminal.overflowed() {
        return Err(FetchError::TooMuch);
    }
    Ok(terminal.take_lines())
}
