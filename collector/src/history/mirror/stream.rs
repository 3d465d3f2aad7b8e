//! Core: commits in the words of `git fast-import`.
//! <https://git-scm.com/docs/git-fast-import>

use farwatch_common::clock::Micros;

pub(super) const BRANCH: &str = "refs/heads/main";
const AUTHOR: &str = "Farwatch <farwatch@localhost>";
/// The trailer that says how far the mirror is.
pub(super) const VERSION: &str = "Farwatch-Version";

/// One change of a file.
#[derive(Clone, Debug)]
pub(super) enum Change<'a> {
    Write {
        path: &'a str,
        text: &'a str,
    },
    /// Content that the repository has already.
    Put {
        path: &'a str,
        blob: &'a str,
    },
    Delete {
        path: &'a str,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Commit<'a> {
    pub(super) at: Micros,
    pub(super) subject: &'a str,
    /// Names and values; empty ones are left out.
    pub(super) trailers: &'a [(&'static str, String)],
    pub(super) changes: &'a [Change<'a>],
    /// The branch is there, and this is the first commit of the stream.
    pub(super) goes_on: bool,
}

/// Adds the commit to a stream.
pub(super) fn write(stream: &mut Vec<u8>, commit: &Commit<'_>) {
    let seconds = commit.at.0.div_euclid(Micros::SECOND);
    stream.extend(format!("commit {BRANCH}\ncommitter {AUTHOR} {seconds} +0000\n").as_bytes());
    let mut message = format!("{}\n\n", one_line(commit.subject));
    for (name, value) in commit.trailers.iter().filter(|(_, value)| !value.is_empty()) {
        message.push_str(&format!("{name}: {}\n", one_line(value)));
    }
    data(stream, &message);
    if commit.goes_on {
        stream.extend(format!("from {BRANCH}^0\n").as_bytes());
    }
    for change in commit.changes {
        match change {
            Change::Write { path, text } => {
                stream.extend(format!("M 100644 inline {path}\n").as_bytes());
                data(stream, text);
            }
            Change::Put { path, blob } => {
                stream.extend(format!("M 100644 {blob} {path}\n").as_bytes());
            }
            Change::Delete { path } => stream.extend(format!("D {path}\n").as_bytes()),
        }
    }
    stream.push(b'\n');
}

/// Without this the stream was cut off, and nothing of it counts.
pub(super) fn end(stream: &mut Vec<u8>) {
    stream.extend(b"done\n");
}

/// Counted, so that no content is taken for a command.
fn data(stream: &mut Vec<u8>, text: &str) {
    stream.extend(format!("data {}\n{text}\n", text.len()).as_bytes());
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_written_and_nothing_in_it_is_a_command() {
        let mut stream = Vec::new();
        let changes = [
            Change::Delete { path: "a/b.cfg" },
            Change::Write { path: "a/c.cfg", text: "done\nD x\n" },
            Change::Put { path: "a/d.cfg", blob: "abc" },
        ];
        let trailers = [(VERSION, "cfg_1".to_owned()), ("Farwatch-Asked-By", "a\nb".to_owned())];
        let at = Micros(7 * Micros::SECOND + 1);
        let subject = "r1\n: +1 −0 lines";
        let commit = Commit { at, subject, trailers: &trailers, changes: &changes, goes_on: true };
        write(&mut stream, &commit);
        end(&mut stream);
        let message = "r1 : +1 −0 lines\n\nFarwatch-Version: cfg_1\nFarwatch-Asked-By: a b\n";
        let expected = format!(
            "commit refs/heads/main\ncommitter Farwatch <farwatch@localhost> 7 +0000\n\
             data {}\n{message}\nfrom refs/heads/main^0\nD a/b.cfg\nM 100644 inline a/c.cfg\n\
             data 9\ndone\nD x\n\nM 100644 abc a/d.cfg\n\ndone\n",
            message.len()
        );
        assert_eq!(String::from_utf8(stream).unwrap(), expected);
    }
}
