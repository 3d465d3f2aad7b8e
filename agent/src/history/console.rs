//! Where commands are typed: at a prompt, or each in a channel of its own; and which platform that
//! is.

use super::line::{CommandLine, execute};
use super::platform::{Channel, GENERIC, Platform, Platforms};
use super::ssh::{self, Connection, is_hang_up};
use super::{FetchError, Target};

/// A device that is logged in to.
pub(super) enum Console<'a> {
    Shell { line: CommandLine<'a>, connection: Connection },
    Exec(Exec),
}

/// How going to another place of a device ended.
pub(super) struct Went {
    /// What the device said to that.
    pub(super) said: Vec<String>,
    /// It was somewhere else then; places may have the same, too.
    pub(super) has_other_prompt: bool,
}

/// Runs each command in a channel of its own.
pub(super) struct Exec {
    /// With the host key that was shown first.
    target: Target,
    user: String,
    connection: Connection,
}

impl Exec {
    fn new(target: &Target, user: String, connection: Connection) -> Self {
        let known_host = Some(connection.fingerprint.clone());
        Self { target: Target { known_host, ..target.clone() }, user, connection }
    }

    async fn run(&mut self, command: &str) -> Result<Vec<String>, FetchError> {
        match execute(&self.connection, command).await {
            // Some devices give one channel a connection.
            Err(error) if is_over(&error) => {
                self.connection = ssh::connect(&self.target, &self.user).await?;
                execute(&self.connection, command).await
            }
            ran => ran,
        }
    }
}

/// The connection takes no more channels.
fn is_over(error: &FetchError) -> bool {
    match error {
        FetchError::Protocol(error) => {
            is_hang_up(error) || matches!(error, russh::Error::ChannelOpenFailure(_))
        }
        _ => false,
    }
}

impl<'a> Console<'a> {
    /// Logs in, and finds out what the device is.
    pub(super) async fn open(
        platforms: &'static Platforms,
        target: &'a Target,
    ) -> Result<(&'static Platform, Self), FetchError> {
        let named = match &target.platform {
            Some(id) => Some(platforms.get(id).ok_or_else(|| FetchError::NoPlatform(id.clone()))?),
            None => None,
        };
        let name = &target.login.user;
        let user_of = |platform: &Platform| format!("{name}{}", platform.user_suffix);
        let user = named.map_or_else(|| name.clone(), user_of);
        let connection = ssh::connect(target, &user).await?;
        if let Some(platform) = named.filter(|platform| platform.channel == Channel::Exec) {
            return Ok((platform, Self::Exec(Exec::new(target, user, connection))));
        }
        let mut console = match CommandLine::open(&connection, platforms, &target.login).await {
            Ok(line) => Self::Shell { line, connection },
            // There may be no command line, but commands.
            Err(FetchError::Closed) => Self::Exec(Exec::new(target, user, connection)),
            Err(error) if is_over(&error) => Self::Exec(Exec::new(target, user, connection)),
            Err(error) => return Err(error),
        };
        let platform = match named {
            Some(platform) => platform,
            None => console.recognise(platforms).await?,
        };
        if platform.channel == Channel::Exec
            && let Self::Shell { line, connection } = console
        {
            let known_host = Some(connection.fingerprint.clone());
            drop((line, connection));
            let target = Target { known_host, ..target.clone() };
            let user = user_of(platform);
            let connection = ssh::connect(&target, &user).await?;
            console = Self::Exec(Exec::new(&target, user, connection));
        }
        Ok((platform, console))
    }

    pub(super) async fn run(&mut self, command: &str) -> Result<Vec<String>, FetchError> {
        match self {
            Self::Shell { line, .. } => line.run(command).await,
            Self::Exec(exec) => exec.run(command).await,
        }
    }

    /// Goes to another place of the device. `None`: each command has a channel of its own, and there is
    /// no other place.
    pub(super) async fn go(&mut self, command: &str) -> Result<Option<Went>, FetchError> {
        let Self::Shell { line, .. } = self else { return Ok(None) };
        let before = line.prompt().to_owned();
        let said = line.run_moving(command).await?;
        Ok(Some(Went { said, has_other_prompt: line.prompt() != before }))
    }

    /// `SHA256:…` of the host key.
    pub(super) fn fingerprint(&self) -> &str {
        match self {
            Self::Shell { connection, .. } => &connection.fingerprint,
            Self::Exec(exec) => &exec.connection.fingerprint,
        }
    }

    /// Makes a command line show everything, and all of it at once.
    pub(super) async fn prepare(&mut self, platform: &Platform) -> Result<(), FetchError> {
        let Self::Shell { line, .. } = self else { return Ok(()) };
        if let Some(enable) = platform.enable.as_ref().filter(|_| line.prompt().ends_with('>')) {
            // Without the right, the commands that need it are refused, and that is told.
            line.run_asking(enable).await?;
        }
        for off in &platform.paging_off {
            line.run(off).await?;
        }
        Ok(())
    }

    async fn recognise(
        &mut self,
        platforms: &'static Platforms,
    ) -> Result<&'static Platform, FetchError> {
        if let Self::Shell { line, .. } = self
            && let Some(platform) = platforms.by_greeting(&line.greeting())
        {
            return Ok(platform);
        }
        for probe in &platforms.probes {
            let answer = match self.run(probe).await {
                // That there is no command line said more.
                Err(FetchError::Incomplete) if matches!(self, Self::Exec(_)) => {
                    return Err(FetchError::Closed);
                }
                answer => answer?,
            };
            let is_refused = platforms.is_refusal(&answer);
            let answer = answer.join("\n");
            let platform = match is_refused {
                true => platforms.by_refusal(&answer),
                false => platforms.by_answer(&answer),
            };
            if let Some(platform) = platform {
                return Ok(platform);
            }
        }
        platforms.get(GENERIC).ok_or_else(|| FetchError::NoPlatform(GENERIC.to_owned()))
    }
}
