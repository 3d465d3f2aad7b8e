//! Runs commands in the open: each is printed before it runs. A command's own stdout goes to our
//! stderr, so that our stdout holds results only.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use crate::Result;

pub(crate) struct Cmd {
    inner: Command,
    words: String,
    dir: Option<String>,
    input: Option<String>,
}

/// What a command printed, stdout and stderr together, and how it ended.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) text: String,
}

/// Variables by which cargo tells a program that it runs of the program's package. Build scripts of
/// dependencies watch some of them: handed on, they would have everything built anew.
fn is_of_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = Command::new(&program);
        inner.current_dir(crate::repo::root());
        inner.stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_of_this_package) {
                inner.env_remove(name);
            }
        }
        Self { inner, words: display(program.as_ref()), dir: None, input: None }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.words.push(' ');
        self.words.push_str(&display(arg.as_ref()));
        self.inner.arg(arg);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of its environment; shown in front of the command, as a shell takes it.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.words.insert_str(0, &format!("{name}={} ", display(OsStr::new(value))));
        self.inner.env(name, value);
        self
    }

    /// Runs in a folder of the repository.
    pub(crate) fn dir(mut self, dir: &str) -> Self {
        self.inner.current_dir(crate::repo::root().join(dir));
        self.dir = Some(dir.to_owned());
        self
    }

    /// The terminal's own stdin, for commands that a person talks to.
    pub(crate) fn interactive(mut self) -> Self {
        self.inner.stdin(Stdio::inherit());
        self
    }

    /// What it reads from its stdin: secrets go this way, never as arguments.
    pub(crate) fn input(mut self, text: &str) -> Self {
        self.inner.stdin(Stdio::piped());
        self.input = Some(text.to_owned());
        self
    }

    /// Runs to the end; anything but success is an error that names the command.
    pub(crate) fn run(mut self) -> Result {
        self.inner.stdout(Stdio::from(io::stderr()));
        let mut child = self.start()?;
        let written = self.feed(&mut child);
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("{} ended with {status}", self.shown()).into());
        }
        Ok(written?)
    }

    fn start(&mut self) -> Result<Child> {
        note(&format!("$ {}", self.shown()));
        Ok(self.inner.spawn().map_err(|e| self.start_problem(&e))?)
    }

    fn feed(&self, child: &mut Child) -> io::Result<()> {
        let pipe = child.stdin.take().zip(self.input.as_ref());
        pipe.map_or(Ok(()), |(mut pipe, text)| pipe.write_all(text.as_bytes()))
    }

    /// Whether it can be started and succeeds; prints nothing. For asking what is installed.
    pub(crate) fn succeeds(mut self) -> bool {
        self.inner.stdout(Stdio::null()).stderr(Stdio::null());
        self.inner.status().is_ok_and(|status| status.success())
    }

    /// Runs to the end and returns its stdout; stderr passes through.
    pub(crate) fn stdout(mut self) -> Result<String> {
        note(&format!("$ {}", self.shown()));
        self.inner.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let output = self.inner.output().map_err(|e| self.start_problem(&e))?;
        if !output.status.success() {
            return Err(format!("{} ended with {}", self.shown(), output.status).into());
        }
        String::from_utf8(output.stdout).map_err(|_| format!("{}: not UTF-8", self.shown()).into())
    }

    /// Runs to the end; what it prints on stdout is a result of ours.
    pub(crate) fn results(mut self) -> Result<ExitStatus> {
        self.inner.stdout(Stdio::inherit());
        Ok(self.start()?.wait()?)
    }

    /// Runs to the end, showing what it prints and keeping it too.
    pub(crate) fn tee(mut self) -> Result<Output> {
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.start()?;
        let written = self.feed(&mut child);
        let out = child.stdout.take().map(|pipe| thread::spawn(|| copy_and_keep(pipe)));
        let err = child.stderr.take().map(|pipe| thread::spawn(|| copy_and_keep(pipe)));
        let status = child.wait()?;
        written?;
        let mut text = String::new();
        for reader in [out, err].into_iter().flatten() {
            text.push_str(&reader.join().map_err(|_| "a reader of a command's output panicked")?);
        }
        Ok(Output { status, text })
    }

    /// As a line that can be pasted into a shell at the root of the repository.
    fn shown(&self) -> String {
        match &self.dir {
            Some(dir) => format!("(cd {dir} && {})", self.words),
            None => self.words.clone(),
        }
    }

    fn start_problem(&self, e: &io::Error) -> String {
        format!("cannot start {}: {e}", self.shown())
    }
}

/// One line of progress, to stderr. A closed stderr is nobody's problem.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// One line of result, to stdout.
pub(crate) fn result(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// As a person would type it: relative to the repository, quoted where a shell needs it.
pub(crate) fn display(word: &OsStr) -> String {
    let path = Path::new(word);
    let word = path.strip_prefix(crate::repo::root()).unwrap_or(path).to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn copy_and_keep(mut pipe: impl Read) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(n @ 1..) = pipe.read(&mut chunk) {
        let part = chunk.get(..n).unwrap_or_default();
        let _ = io::stderr().write_all(part);
        kept.extend_from_slice(part);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_words_can_be_pasted_into_a_shell() {
        assert_eq!(display(OsStr::new("--workspace")), "--workspace");
        assert_eq!(display(OsStr::new("Demo ISP")), "'Demo ISP'");
        assert_eq!(display(OsStr::new("it's")), "'it'\\''s'");
        assert_eq!(display(OsStr::new("")), "''");
    }

    #[test]
    fn variables_are_set_and_shown() {
        let command = Cmd::new("sh").env("NOISE", "a b").args(["-c", "echo $NOISE"]);
        assert_eq!(command.shown(), "NOISE='a b' sh -c 'echo $NOISE'");
        assert_eq!(command.stdout().unwrap(), "a b\n");
    }

    #[test]
    fn failing_commands_are_named() {
        let error = Cmd::new("cargo").arg("no-such-subcommand").run().unwrap_err();
        assert!(error.to_string().starts_with("cargo no-such-subcommand ended with"), "{error}");
    }
}
