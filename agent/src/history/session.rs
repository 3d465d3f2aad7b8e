//! Core: a conversation with a command line: prompts, echoes, pagers and questions.
//!
//! In: bytes of a device, commands, and that the device has been silent for a while. Out: bytes to
//! send, and the lines of a command's answer. What a line under the cursor means is only decided
//! in silence, so it does not matter how the bytes were cut. Bound: those of [`Terminal`],
//! [`PAGES_MAX`], [`QUESTIONS_MAX`]; when full, an error. On a crash nothing is kept.

use std::time::Duration;

use regex::Regex;

use super::platform::{Answer, Ask, Pager};
use super::terminal::Terminal;

/// What the key sends.
pub const ENTER: &str = "\r";
/// Of a session; 16 MiB with 24 lines a page are less.
pub const PAGES_MAX: u32 = 100_000;
/// Questions between two prompts.
pub const QUESTIONS_MAX: u32 = 8;
/// The silence that shows that a known prompt or a pager waits for us.
const SURE: Duration = Duration::from_millis(60);
/// The silence that shows it of what only looks like one.
const LIKELY: Duration = Duration::from_millis(500);
/// The silence before a line that does not look like a prompt is tried as one.
const UNSURE: Duration = Duration::from_secs(3);
/// The silence behind a prompt that came without an echo of the command.
const DOUBTFUL: Duration = Duration::from_millis(1_500);
/// A line that waits for an answer is shorter.
const PENDING_MAX: usize = 4096;
/// Of what is said before a prompt that was not known.
const SAID_LINES_MAX: usize = 4096;
/// An echo stands in the first lines.
const ECHO_LINES: usize = 4;

/// What to do when the device has been silent.
#[derive(Debug, PartialEq, Eq)]
pub enum Act {
    Send(Vec<u8>),
    /// Send what only the shell knows, and a line's end.
    Answer(Answer),
    /// The prompt is there; these lines came before it.
    Ready(Vec<String>),
}

/// Why a conversation cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    #[error("the device sent more than a configuration may have")]
    TooMuch,
    #[error("the device asks again and again")]
    Questions,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// No prompt is known.
    Login,
    /// A line that looks like a prompt must come again.
    Confirm(String),
    /// The command of this text is under way.
    Command(String),
    Idle,
}

/// One command line.
#[derive(Debug)]
pub struct Session<'a> {
    terminal: Terminal,
    stage: Stage,
    prompt: Option<Prompt>,
    asks: &'a [Ask],
    pagers: &'a [Pager],
    greeting: Vec<String>,
    /// The command under way asks for a password.
    may_ask: bool,
    /// The command under way may lead to another prompt.
    may_move: bool,
    /// What it said before what may be that prompt.
    said: Vec<String>,
    pages: u32,
    questions: u32,
}

impl<'a> Session<'a> {
    #[must_use]
    pub fn new(asks: &'a [Ask], pagers: &'a [Pager]) -> Self {
        Self {
            terminal: Terminal::default(),
            stage: Stage::Login,
            prompt: None,
            asks,
            pagers,
            greeting: Vec::new(),
            may_ask: false,
            may_move: false,
            said: Vec::new(),
            pages: 0,
            questions: 0,
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.terminal.feed(bytes);
    }

    /// True if the device has sent more than it may; what it still says does not matter.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.terminal.overflowed()
    }

    /// The prompt as it was last seen.
    #[must_use]
    pub fn prompt(&self) -> &str {
        self.prompt.as_ref().map_or("", |prompt| &prompt.shown)
    }

    /// What the device said before its first prompt.
    #[must_use]
    pub fn greeting(&self) -> &[String] {
        &self.greeting
    }

    /// Begins a command; gives what to send. What looks like a question for a user or a password
    /// is text of its answer.
    pub fn command(&mut self, text: &str) -> Vec<u8> {
        self.terminal.take_lines();
        self.stage = Stage::Command(text.to_owned());
        (self.may_ask, self.may_move) = (false, false);
        self.said.clear();
        self.questions = 0;
        format!("{text}{ENTER}").into_bytes()
    }

    /// Begins a command that asks for a password.
    pub fn asking_command(&mut self, text: &str) -> Vec<u8> {
        let typed = self.command(text);
        self.may_ask = true;
        typed
    }

    /// Begins a command that leads to another place of the device, which may have another prompt.
    pub fn moving_command(&mut self, text: &str) -> Vec<u8> {
        let typed = self.command(text);
        self.may_move = true;
        typed
    }

    /// How long the device has to be silent before [`Self::act`]; `None` if it has to say more.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        // No question is that long, and looking at one after each byte costs.
        if self.terminal.pending_cells() > PENDING_MAX && !self.terminal.overflowed() {
            return None;
        }
        let pending = self.terminal.pending();
        if pending.trim().is_empty() {
            return None;
        }
        if self.terminal.overflowed() {
            return Some(SURE);
        }
        if let Some(pager) = self.pager(&pending) {
            return Some(if pager.likely { LIKELY } else { SURE });
        }
        match &self.stage {
            Stage::Command(text) if self.is_prompt(&pending) => {
                if self.terminal.lines().is_empty() {
                    return None;
                }
                let sure = echo(self.terminal.lines(), text).is_some();
                Some(if sure { SURE } else { DOUBTFUL })
            }
            Stage::Command(text) if self.has_moved(&pending, text) => Some(LIKELY),
            Stage::Confirm(seen) if *seen == pending && !self.terminal.lines().is_empty() => {
                Some(SURE)
            }
            Stage::Login | Stage::Confirm(_) if looks_like_prompt(&pending) => Some(LIKELY),
            Stage::Idle => None,
            Stage::Command(_) => self.ask(&pending).map(|_| LIKELY),
            Stage::Login | Stage::Confirm(_) if self.ask(&pending).is_some() => Some(LIKELY),
            Stage::Login | Stage::Confirm(_) => (!is_question(&pending)).then_some(UNSURE),
        }
    }

    /// What to do now that the device has been silent for as long as [`Self::patience`] said.
    pub fn act(&mut self) -> Result<Act, SessionError> {
        if self.terminal.overflowed() {
            return Err(SessionError::TooMuch);
        }
        let pending = self.terminal.pending();
        if let Some(pager) = self.pager(&pending).filter(|_| !self.is_prompt(&pending)) {
            self.pages += 1;
            if self.pages > PAGES_MAX {
                return Err(SessionError::TooMuch);
            }
            self.terminal.erase_pending();
            return Ok(Act::Send(pager.key.clone().into_bytes()));
        }
        if self.prompt.is_none() || !self.is_prompt(&pending) {
            if let Some(ask) = self.ask(&pending) {
                let answer = ask.answer.clone();
                self.questions += 1;
                if self.questions > QUESTIONS_MAX {
                    return Err(SessionError::Questions);
                }
                self.terminal.erase_pending();
                return Ok(match answer {
                    Answer::Keys(keys) => Act::Send(keys.into_bytes()),
                    // Behind login, only a command for more rights asks.
                    Answer::Password if self.prompt.is_some() => {
                        Act::Answer(Answer::EnablePassword)
                    }
                    secret => Act::Answer(secret),
                });
            }
            if self.stage == Stage::Confirm(pending.clone()) {
                let lines = self.terminal.take_lines();
                if self.may_move {
                    self.note(lines);
                }
                self.prompt = Some(Prompt::learn(&pending));
                self.stage = Stage::Idle;
                return Ok(Act::Ready(std::mem::take(&mut self.said)));
            }
            if let Stage::Command(text) = &self.stage
                && self.has_moved(&pending, text)
            {
                let said = behind_echo(self.terminal.lines(), text).to_vec();
                self.terminal.take_lines();
                self.note(said);
                self.stage = Stage::Confirm(pending);
                return Ok(Act::Send(ENTER.as_bytes().to_vec()));
            }
            self.questions += 1;
            if self.questions > QUESTIONS_MAX {
                return Err(SessionError::Questions);
            }
            let lines = self.terminal.take_lines();
            if self.may_move {
                self.was_text(lines);
            } else {
                self.note(lines);
                self.note(vec![pending.clone()]);
            }
            self.stage = Stage::Confirm(pending);
            return Ok(Act::Send(ENTER.as_bytes().to_vec()));
        }
        if let Some(prompt) = &mut self.prompt {
            prompt.shown = pending;
        }
        let mut lines = self.terminal.take_lines();
        if let Stage::Command(text) = &self.stage {
            let from = lines.len() - behind_echo(&lines, text).len();
            lines.drain(..from);
        } else if self.may_move {
            self.was_text(lines);
            lines = std::mem::take(&mut self.said);
        }
        self.stage = Stage::Idle;
        Ok(Act::Ready(lines))
    }

    /// What looked like the prompt behind a command that moves was text of its answer, and so is what
    /// came then: a refusal that is lost would count as being there.
    fn was_text(&mut self, lines: Vec<String>) {
        if let Stage::Confirm(seen) = std::mem::replace(&mut self.stage, Stage::Idle) {
            self.note(vec![seen]);
        }
        self.note(lines);
    }

    /// Keeps what was said before a prompt that was not known: a greeting, or the answer to a command that
    /// moves. Empty lines say nothing.
    fn note(&mut self, lines: Vec<String>) {
        let notes = if self.may_move { &mut self.said } else { &mut self.greeting };
        let room = SAID_LINES_MAX.saturating_sub(notes.len());
        notes.extend(lines.into_iter().filter(|line| !line.trim().is_empty()).take(room));
    }

    /// Whether a command that may lead to another prompt has, as it seems.
    fn has_moved(&self, pending: &str, command: &str) -> bool {
        let is_echoed = echo(self.terminal.lines(), command).is_some();
        self.may_move && is_echoed && looks_like_prompt(pending)
    }

    fn pager(&self, pending: &str) -> Option<&'a Pager> {
        self.pagers.iter().find(|pager| pager.when.is_match(pending))
    }

    fn is_prompt(&self, pending: &str) -> bool {
        self.prompt.as_ref().is_some_and(|prompt| prompt.matches(pending))
    }

    /// The question in this line. Within an answer it gets no secret: the line may be text, and what
    /// is typed then is a command at the next prompt, which devices tell their logs.
    fn ask(&self, pending: &str) -> Option<&'a Ask> {
        let open = self.may_ask || self.prompt.is_none();
        let said = |after: &Regex| {
            let mut lines = self.greeting.iter().chain(self.terminal.lines());
            lines.any(|line| after.is_match(line))
        };
        let is_asked =
            |ask: &&Ask| ask.when.is_match(pending) && ask.after.as_ref().is_none_or(said);
        let ask = self.asks.iter().find(is_asked)?;
        (open || matches!(ask.answer, Answer::Keys(_))).then_some(ask)
    }
}

/// The line that shows what was typed.
fn echo(lines: &[String], command: &str) -> Option<usize> {
    let command: String = command.split_whitespace().collect();
    if command.is_empty() {
        return None;
    }
    let squeezed = |line: &String| line.split_whitespace().collect::<String>();
    lines.iter().take(ECHO_LINES).position(|line| squeezed(line).ends_with(&command))
}

/// The lines behind the one that shows what was typed; all, if none does.
fn behind_echo<'l>(lines: &'l [String], command: &str) -> &'l [String] {
    let from = echo(lines, command).map_or(0, |at| at + 1);
    lines.get(from..).unwrap_or_default()
}

/// True for a line that ends as prompts do.
fn looks_like_prompt(line: &str) -> bool {
    let line = line.trim_end();
    let ends =
        line.ends_with(['#', '>', '$', '%', ']']) || (line.ends_with(':') && line.starts_with('['));
    ends && line.chars().count() <= 256 && line.chars().any(char::is_alphanumeric)
}

/// True for a line that asks to choose: Enter could choose something.
fn is_question(line: &str) -> bool {
    let line = line.to_lowercase();
    ["?", "y/n", "yes/no", "[y", "(y", "[n", "(n"].iter().any(|sign| line.contains(sign))
}

/// A prompt that was learnt, and how it may change: its mode (`host(config)#`, `host (global) #`,
/// `[user@host] <SAFE> >`) and its last sign (`host>`, `host#`).
#[derive(Debug)]
struct Prompt {
    shown: String,
    stem: String,
}

impl Prompt {
    fn learn(shown: &str) -> Self {
        Self { shown: shown.to_owned(), stem: stem(shown).to_owned() }
    }

    fn matches(&self, line: &str) -> bool {
        line == self.shown || (looks_like_prompt(line) && stem(line) == self.stem)
    }
}

/// The prompt without its last sign and its modes.
fn stem(prompt: &str) -> &str {
    let signs = ['#', '>', '$', '%', ':'];
    let mut stem = prompt.trim_end().trim_end_matches(signs).trim_end();
    while let Some(cut) = mode(stem) {
        stem = cut;
    }
    stem
}

fn mode(stem: &str) -> Option<&str> {
    let open = match stem.chars().last()? {
        ')' => '(',
        '>' => '<',
        _ => return None,
    };
    let at = stem.rfind(open)?;
    (at > 0).then(|| stem[..at].trim_end())
}

#[cfg(test)]
mod tests;
