//! Core: what a terminal would show, line by line: carriage returns, backspaces and the ANSI
//! sequences that move or erase within a line.
//!
//! In: bytes of a device, cut anywhere. Out: finished lines and the one the cursor is on. Bound:
//! [`LINE_CHARS_MAX`] a line, [`TEXT_BYTES_MAX`] an answer, [`TOUCHED_MAX`] cells that sequences
//! move; when full, the rest is dropped and `overflowed` says so. On a crash nothing is kept.

/// A line of a configuration is far shorter, but for certificates in one line.
pub const LINE_CHARS_MAX: usize = 256 * 1024;
/// What one answer may hold, and what it costs to keep.
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A sequence with more parameters is none.
const SEQUENCE_MAX: usize = 64;
/// No screen is wider: what jumps further is not meant to be read.
const COLUMN_MAX: usize = 4096;
/// A string for the terminal that is longer has lost its end.
const WORDS_MAX: usize = 4096;
/// Cells that sequences may move or erase; an honest device touches far less than it sends.
const TOUCHED_MAX: usize = 256 * 1024 * 1024;
/// A cell that was blanked over other text: it counts as empty at the end of a line.
const ERASED: char = '\0';

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    Escape,
    /// Behind `ESC [`: its parameters.
    Control(Vec<u8>),
    /// Behind `ESC ]`, `ESC P` and their like: a string for the terminal, until BEL or ST.
    Words {
        escaped: bool,
        length: usize,
    },
    /// Behind `ESC (` and its like: one more byte.
    Charset,
}

/// A terminal of endless height.
#[derive(Debug, Default)]
pub struct Terminal {
    state: State,
    /// Bytes of a character that is not complete.
    partial: Vec<u8>,
    cells: Vec<char>,
    cursor: usize,
    /// Blanks are part of erasing a pager's prompt until there is text.
    blanking: bool,
    lines: Vec<String>,
    bytes: usize,
    touched: usize,
    overflowed: bool,
}

impl Terminal {
    /// Takes what a device has sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.take(byte);
        }
    }

    /// The line the cursor is on, without blanks at its end.
    #[must_use]
    pub fn pending(&self) -> String {
        text(&self.cells).trim_end().to_owned()
    }

    /// How long that line is, erased ends included.
    #[must_use]
    pub fn pending_cells(&self) -> usize {
        self.cells.len()
    }

    /// Lines that have ended.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// True if something was dropped as there is too much.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Takes the finished lines and clears the one under the cursor.
    pub fn take_lines(&mut self) -> Vec<String> {
        self.clear_pending();
        self.blanking = false;
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }

    /// Removes a pager's prompt; however the device erases it then, nothing stays of it.
    pub fn erase_pending(&mut self) {
        self.clear_pending();
        self.blanking = true;
    }

    fn clear_pending(&mut self) {
        self.cells.clear();
        self.cursor = 0;
    }

    fn take(&mut self, byte: u8) {
        match &mut self.state {
            State::Text => self.take_text(byte),
            State::Escape => self.take_escape(byte),
            State::Control(parameters) => match byte {
                0x40..=0x7e => {
                    let parameters = std::mem::take(parameters);
                    self.state = State::Text;
                    self.control(&parameters, byte);
                }
                0x20..=0x3f if parameters.len() < SEQUENCE_MAX => parameters.push(byte),
                _ => self.state = State::Text,
            },
            State::Words { escaped, length } => match (byte, *escaped) {
                (0x07, _) | (b'\\', true) => self.state = State::Text,
                // It has no end: the line has.
                (b'\n', _) => {
                    self.state = State::Text;
                    self.end_line();
                }
                _ if *length >= WORDS_MAX => self.state = State::Text,
                _ => {
                    *escaped = byte == 0x1b;
                    *length += 1;
                }
            },
            State::Charset => self.state = State::Text,
        }
    }

    fn take_text(&mut self, byte: u8) {
        if byte < 0x80 {
            self.flush_partial();
        }
        match byte {
            b'\n' => self.end_line(),
            b'\r' => self.cursor = 0,
            0x08 => self.cursor = self.cursor.saturating_sub(1),
            0x1b => self.state = State::Escape,
            b'\t' => self.put('\t'),
            0x20..=0x7e => self.put(char::from(byte)),
            0x80.. => self.take_wide(byte),
            _ => {}
        }
    }

    /// A byte of a character beyond ASCII. What is not UTF-8 is taken as Latin-1.
    fn take_wide(&mut self, byte: u8) {
        self.partial.push(byte);
        match str::from_utf8(&self.partial) {
            Ok(whole) => {
                let whole: Vec<char> = whole.chars().collect();
                self.partial.clear();
                whole.into_iter().for_each(|c| self.put(shown(c)));
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => self.flush_partial(),
        }
    }

    fn flush_partial(&mut self) {
        for byte in std::mem::take(&mut self.partial) {
            self.put(shown(char::from(byte)));
        }
    }

    fn take_escape(&mut self, byte: u8) {
        self.state = match byte {
            b'[' => State::Control(Vec::new()),
            b']' | b'P' | b'X' | b'^' | b'_' => State::Words { escaped: false, length: 0 },
            b'(' | b')' | b'*' | b'+' | b'#' | b'%' => State::Charset,
            _ => State::Text,
        };
        if byte == b'E' {
            self.end_line();
        }
    }

    fn control(&mut self, parameters: &[u8], action: u8) {
        let number = |at: usize| {
            let field = parameters.split(|byte| *byte == b';').nth(at)?;
            str::from_utf8(field).ok()?.parse::<usize>().ok()
        };
        let count = number(0).unwrap_or(1).clamp(1, COLUMN_MAX);
        if matches!(action, b'K' | b'J' | b'P') {
            self.touched += self.cells.len();
            if self.touched > TOUCHED_MAX {
                self.overflowed = true;
                return;
            }
        }
        match action {
            b'C' => self.cursor = (self.cursor + count).min(self.cells.len().max(COLUMN_MAX)),
            b'D' => self.cursor = self.cursor.saturating_sub(count),
            b'G' => self.cursor = count - 1,
            b'H' | b'f' => {
                self.cursor = number(1).unwrap_or(1).clamp(1, COLUMN_MAX) - 1;
            }
            b'K' | b'J' => match number(0).unwrap_or(0) {
                0 => self.cells.truncate(self.cursor),
                1 => {
                    let end = self.cursor.saturating_add(1).min(self.cells.len());
                    self.cells[..end].fill(ERASED);
                }
                _ => self.cells.clear(),
            },
            b'P' => {
                let start = self.cursor.min(self.cells.len());
                let end = (start + count).min(self.cells.len());
                self.cells.drain(start..end);
            }
            _ => {}
        }
    }

    fn put(&mut self, c: char) {
        let blank = c == ' ' && (self.blanking || self.cursor < self.cells.len());
        self.blanking &= c == ' ';
        if self.cursor >= LINE_CHARS_MAX || self.bytes >= TEXT_BYTES_MAX {
            self.overflowed = true;
            return;
        }
        if self.cursor > self.cells.len() {
            self.touched += self.cursor - self.cells.len();
            self.cells.resize(self.cursor, ERASED);
        }
        let cell = if blank { ERASED } else { c };
        match self.cells.get_mut(self.cursor) {
            Some(old) => *old = cell,
            None => self.cells.push(cell),
        }
        self.cursor += 1;
    }

    fn end_line(&mut self) {
        let line = text(&self.cells);
        // What it costs to keep, too: a line of nothing is not free.
        self.bytes += line.len() + size_of::<String>();
        self.clear_pending();
        self.blanking = false;
        if self.bytes > TEXT_BYTES_MAX {
            self.overflowed = true;
        } else {
            self.lines.push(line);
        }
    }
}

/// Control characters beyond ASCII are no text in any code: in their place, that something was there.
fn shown(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}

fn text(cells: &[char]) -> String {
    let end = cells.iter().rposition(|cell| *cell != ERASED).map_or(0, |last| last + 1);
    cells[..end].iter().map(|cell| if *cell == ERASED { ' ' } else { *cell }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(bytes: &[u8]) -> (Vec<String>, String) {
        let mut terminal = Terminal::default();
        terminal.feed(bytes);
        (terminal.lines().to_vec(), terminal.pending())
    }

    #[test]
    fn a_line_is_what_stays_on_the_screen() {
        for (bytes, lines, pending) in [
            ("a\r\nb", vec!["a"], "b"),
            ("a\r\r\nb\r\n\rsw1# ", vec!["a", "b"], "sw1#"),
            ("show verr\u{8} \u{8}sion\n", vec!["show version"], ""),
            ("--More-- \r         \r ip address\n", vec![" ip address"], ""),
            ("--More-- \r         \rab\n", vec!["ab"], ""),
            ("more\u{8}\u{8}\u{8}\u{8}    \u{8}\u{8}\u{8}\u{8}x \n", vec!["x"], ""),
            ("\u{1b}[H\u{1b}[Jsw1# ", vec![], "sw1#"),
            ("junk\r\u{1b}[K\u{1b}[36mblue\u{1b}[m text", vec![], "blue text"),
            ("\u{1b}[24;1Hsw1> \u{1b}[24;12h\u{1b}[?25h", vec![], "sw1>"),
            ("\u{1b}]0;a title\u{7}x\u{1b}]1;b\u{1b}\\y", vec![], "xy"),
            ("caf\u{e9}\n", vec!["caf\u{e9}"], ""),
        ] {
            assert_eq!(
                shown(bytes.as_bytes()),
                (lines_of(&lines), pending.to_owned()),
                "{bytes:?}"
            );
        }
        assert_eq!(shown(b"caf\xe9 1\n").0, ["caf\u{e9} 1"], "Latin-1 is no reason to lose text");
        let marked = ["a\u{fffd}b\u{fffd}"];
        assert_eq!(shown("a\u{9b}b\u{85}\n".as_bytes()).0, marked, "control characters are none");
        assert_eq!(shown(b"a\x9bb\x85\n").0, marked);
    }

    fn lines_of(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_pager_that_was_answered_leaves_nothing() {
        for erasing in
            ["\r         \r", "\u{8}\u{8}\u{8}   \u{8}\u{8}\u{8}", "\u{1b}[2K\r", "\r", ""]
        {
            let mut terminal = Terminal::default();
            terminal.feed(b"one\r\n--More-- ");
            terminal.erase_pending();
            terminal.feed(erasing.as_bytes());
            terminal.feed(b"  two\r\n");
            assert_eq!(terminal.lines(), ["one", "  two"], "{erasing:?}");
        }
    }

    #[test]
    fn too_much_is_dropped_and_told() {
        let mut terminal = Terminal::default();
        let line = [b"x".repeat(1 << 16), b"\n".to_vec()].concat();
        for _ in 0..300 {
            terminal.feed(&line);
        }
        assert!(terminal.overflowed());
        assert!(terminal.lines().iter().map(String::len).sum::<usize>() <= TEXT_BYTES_MAX);
        let mut terminal = Terminal::default();
        terminal.feed(&b"\n".repeat(TEXT_BYTES_MAX));
        assert!(terminal.overflowed());
        assert!(terminal.lines().len() <= TEXT_BYTES_MAX / size_of::<String>());
    }

    #[test]
    fn sequences_cannot_cost_more_than_text() {
        let mut terminal = Terminal::default();
        terminal.feed(b"\x1b[999999999C\x1b[999999999Cx");
        assert!(terminal.cells.len() <= COLUMN_MAX + 1);
        terminal.feed(&b"\x1b[1K".repeat(TOUCHED_MAX / COLUMN_MAX + 1));
        assert!(terminal.overflowed());
        let mut terminal = Terminal::default();
        terminal.feed(b"\x1b]0;no end\nhostname sw1\n");
        assert_eq!(terminal.lines(), ["", "hostname sw1"]);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just(b"\x1b[K".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()),
                    Just("«é".as_bytes().to_vec()), Just(b"\x08 \x08".to_vec()),
                    Just(b"\x1b]0;t\x07".to_vec()), Just(b"abc def".to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..6),
                ],
                0..40,
            ),
        ) {
            let bytes = pieces.concat();
            let mut whole = Terminal::default();
            whole.feed(&bytes);
            let mut single = Terminal::default();
            bytes.iter().for_each(|byte| single.feed(&[*byte]));
            prop_assert_eq!(whole.lines(), single.lines());
            prop_assert_eq!(whole.pending(), single.pending());
        }
    }
}
