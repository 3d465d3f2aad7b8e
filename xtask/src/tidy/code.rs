//! Rust source with comments and the insides of literals blanked, so that a search finds code only.

/// The same text, line for line, where every character of a comment, string or char literal is a space.
pub(super) fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let in_word = out.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        match literal_length(rest, in_word) {
            Some(length) => {
                let (literal, after) = rest.split_at(length);
                out.extend(literal.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// How many bytes the comment or literal at the start of `rest` takes; `None` where there is none.
fn literal_length(rest: &str, in_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted_length(rest, '"'));
    }
    if rest.starts_with('\'') {
        // A lifetime has no closing quote two characters on.
        let mut chars = rest.chars().skip(1);
        let (first, second) = (chars.next()?, chars.next()?);
        return (first == '\\' || second == '\'').then(|| quoted_length(rest, '\''));
    }
    if !in_word {
        return raw_string_length(rest);
    }
    None
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`
fn raw_string_length(rest: &str) -> Option<usize> {
    let after_prefix = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let hashes = after_prefix.len() - after_prefix.trim_start_matches('#').len();
    let body = after_prefix[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let body_length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(rest.len() - body.len() + body_length)
}

/// Whether `word` stands in `line` with no letter, digit or `_` around it.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        assert_eq!(code_only(source), expected, "{source}");
    }

    #[test]
    fn comments_go() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("a /* open", "a        ");
    }

    #[test]
    fn literals_go() {
        check("f(\"a\\\"b\") + c", "f(      ) + c");
        check("x = 'y'; 'a: loop", "x =    ; 'a: loop");
        check("x = '\\''; y", "x =     ; y");
        check("r#\"a\"b\"# c", "         c");
        check("br\"\\\" c", "      c");
        check("bar\"x\"", "bar   ");
        check("\"ä\" b", "    b");
    }

    #[test]
    fn words_have_borders() {
        assert!(has_word("use tokio::net;", "tokio"));
        assert!(!has_word("let tokio_like = 1;", "tokio"));
        assert!(has_word("a::now()", "now()"));
    }
}
