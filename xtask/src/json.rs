//! JSON as far as xtask meets it: answers of our own API, lines of our own benchmarks, lock files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As written: nothing here computes with it.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// Deeper input is refused, so that none can exhaust the stack.
const DEPTH_MAX: usize = 64;

impl Json {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text, depth: 0 };
        let value = parser.value()?;
        parser.space();
        if parser.rest.is_empty() { Ok(value) } else { Err(parser.problem("the end")) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        if let Self::Object(members) = self { members.get(key) } else { None }
    }

    /// A string member; `None` also where it is null or of another type.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        if let Some(Self::String(text)) = self.get(key) { Some(text) } else { None }
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { &[] }
    }

    /// The value for a person: strings without quotes, null as nothing.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) | Self::String(text) => text.clone(),
            Self::Array(_) | Self::Object(_) => "…".to_owned(),
        }
    }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn problem(&self, wanted: &str) -> String {
        let here: String = self.rest.chars().take(20).collect();
        format!("JSON: expected {wanted} at `{here}`")
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest;
        true
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        if self.eat("null") {
            Ok(Json::Null)
        } else if self.eat("true") {
            Ok(Json::Bool(true))
        } else if self.eat("false") {
            Ok(Json::Bool(false))
        } else if self.rest.starts_with('"') {
            self.string().map(Json::String)
        } else if self.eat("[") {
            self.nested(Self::array)
        } else if self.eat("{") {
            self.nested(Self::object)
        } else {
            self.number()
        }
    }

    fn nested(
        &mut self,
        parse: impl Fn(&mut Self) -> Result<Json, String>,
    ) -> Result<Json, String> {
        if self.depth == DEPTH_MAX {
            return Err(self.problem("less nesting"));
        }
        self.depth += 1;
        let value = parse(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        self.space();
        if self.eat("]") {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.eat("]") {
                return Ok(Json::Array(items));
            } else if !self.eat(",") {
                return Err(self.problem("`,` or `]`"));
            }
        }
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut members = BTreeMap::new();
        self.space();
        if self.eat("}") {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            if !self.eat(":") {
                return Err(self.problem("`:`"));
            }
            members.insert(key, self.value()?);
            self.space();
            if self.eat("}") {
                return Ok(Json::Object(members));
            } else if !self.eat(",") {
                return Err(self.problem("`,` or `}`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.eat("\"") {
            return Err(self.problem("`\"`"));
        }
        let mut out = String::new();
        loop {
            let mut chars = self.rest.chars();
            let c = chars.next();
            self.rest = chars.as_str();
            match c {
                Some('"') => return Ok(out),
                Some('\\') => out.push(self.escape()?),
                Some(c) => out.push(c),
                None => return Err(self.problem("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        Ok(match c {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => {
                let high = self.unit()?;
                if (0xd800..0xdc00).contains(&high) && self.eat("\\u") {
                    let low = self.unit()?.wrapping_sub(0xdc00) & 0x3ff;
                    let code = 0x10000 + ((high - 0xd800) << 10) + low;
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                } else {
                    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
            }
            Some(c @ ('"' | '\\' | '/')) => c,
            _ => return Err(self.problem("an escape")),
        })
    }

    fn unit(&mut self) -> Result<u32, String> {
        let (digits, rest) =
            self.rest.split_at_checked(4).ok_or_else(|| self.problem("four hex digits"))?;
        let unit = u32::from_str_radix(digits, 16).map_err(|_| self.problem("four hex digits"))?;
        self.rest = rest;
        Ok(unit)
    }

    fn number(&mut self) -> Result<Json, String> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        if text.parse::<f64>().is_err() {
            return Err(self.problem("a value"));
        }
        self.rest = rest;
        Ok(Json::Number(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_api_answers() {
        let text = r#" {"data":[{"id":"dev_1","at":null,"up":true,"n":-1.5e3}],"meta":{}} "#;
        let json = Json::parse(text).unwrap();
        let device = &json.get("data").unwrap().items()[0];
        assert_eq!(device.text("id"), Some("dev_1"));
        assert_eq!(device.text("at"), None);
        assert_eq!(device.get("at"), Some(&Json::Null));
        assert_eq!(device.get("n").unwrap().plain(), "-1.5e3");
    }

    #[test]
    fn strings_survive_a_round_trip() {
        for text in ["", "plain", "a\"b\\c", "line\nline\u{1}", "größer 🛰"] {
            assert_eq!(Json::parse(&quote(text)), Ok(Json::String(text.to_owned())));
        }
        assert_eq!(Json::parse(r#""\ud83d\udef0""#), Ok(Json::String("🛰".to_owned())));
    }

    #[test]
    fn refuses_what_is_not_json() {
        let deep = "[".repeat(DEPTH_MAX + 1);
        for text in ["", "{", "[1", "[1 2]", "{\"a\"}", "\"x", "1 2", "-", r#""\u12""#, &deep] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
