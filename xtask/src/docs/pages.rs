//! What built pages refer to: each link leads to a page and a place on it, and nothing is loaded from
//! another host.

use std::collections::{BTreeMap, BTreeSet};

/// All files of a site, by their paths from its root.
#[derive(Default)]
pub(super) struct Site {
    files: BTreeMap<String, Content>,
}

#[derive(Default)]
struct Content {
    /// Places that a link can name.
    ids: BTreeSet<String>,
    references: Vec<Reference>,
}

struct Reference {
    to: String,
    /// The browser fetches it by itself; otherwise somebody has to follow it.
    is_loaded: bool,
}

impl Site {
    /// A file; of what is neither HTML nor CSS the name is enough.
    pub(super) fn add(&mut self, path: String, text: &str) {
        let content = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => of_html(text),
            Some("css") => of_css(text),
            _ => Content::default(),
        };
        self.files.insert(path, content);
    }

    pub(super) fn pages(&self) -> usize {
        self.files.keys().filter(|path| path.ends_with(".html")).count()
    }

    pub(super) fn links(&self) -> usize {
        self.files.values().map(|content| content.references.len()).sum()
    }

    /// What is wrong, a line each.
    pub(super) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for (path, content) in &self.files {
            let problems = content.references.iter().filter_map(|reference| {
                let problem = self.problem(path, reference)?;
                Some(format!("{path}: {problem}: {}", reference.to))
            });
            findings.extend(problems);
        }
        findings
    }

    fn problem(&self, from: &str, Reference { to, is_loaded }: &Reference) -> Option<&'static str> {
        if to.starts_with("data:") {
            return None;
        }
        if to.starts_with("//") || to.contains("://") || to.starts_with("mailto:") {
            return is_loaded.then_some("is loaded from elsewhere");
        }
        let (path, anchor) = to.split_once('#').unwrap_or((to, ""));
        let path = path.split('?').next().unwrap_or_default();
        let page = match path {
            "" => Some(from.to_owned()),
            path => resolved(from, &unescaped(path)),
        };
        let Some(page) = page.and_then(|page| self.files.get(&page)) else {
            return Some("leads nowhere");
        };
        let anchor = unescaped(anchor);
        (!anchor.is_empty() && !page.ids.contains(&anchor)).then_some("no such place on that page")
    }
}

/// The path as seen from a page; `None` where it leaves the site or asks for its root, which differs
/// between a folder and a server.
fn resolved(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn of_html(text: &str) -> Content {
    let mut content = Content::default();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let mut tag = Tag::new(after);
        let name = tag.name().to_ascii_lowercase();
        while let Some((attribute, value)) = tag.attribute() {
            match attribute.to_ascii_lowercase().as_str() {
                "id" => {
                    content.ids.insert(unentitied(value));
                }
                attribute @ ("href" | "src") => {
                    let is_loaded = attribute == "src" || name == "link";
                    content.references.push(Reference { to: unentitied(value), is_loaded });
                }
                _ => {}
            }
        }
        rest = tag.rest;
        // What is in a script is no markup.
        if name == "script" {
            rest = rest.split_once("</script").map_or("", |(_, after)| after);
        }
    }
    content
}

fn of_css(text: &str) -> Content {
    let urls = text.split("url(").skip(1).filter_map(|rest| {
        let to = rest.split(')').next()?.trim().trim_matches(['"', '\'']);
        Some(Reference { to: to.to_owned(), is_loaded: true })
    });
    Content { ids: BTreeSet::new(), references: urls.collect() }
}

/// Reads a tag from behind its `<`.
struct Tag<'a> {
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    fn name(&mut self) -> &'a str {
        self.until(|c| c.is_whitespace() || c == '>')
    }

    /// The next attribute with its value, which may be empty; `None` at the end of the tag.
    fn attribute(&mut self) -> Option<(&'a str, &'a str)> {
        self.until(|c| !c.is_whitespace() && c != '/');
        if let Some(after) = self.rest.strip_prefix('>') {
            self.rest = after;
            return None;
        }
        if self.rest.is_empty() {
            return None;
        }
        let name = self.until(|c| c.is_whitespace() || "=>/".contains(c));
        let Some(after) = self.rest.strip_prefix('=') else {
            return Some((name, ""));
        };
        self.rest = after;
        for quote in ['"', '\''] {
            if let Some(after) = after.strip_prefix(quote) {
                let (value, rest) = after.split_once(quote).unwrap_or((after, ""));
                self.rest = rest;
                return Some((name, value));
            }
        }
        Some((name, self.until(|c| c.is_whitespace() || c == '>')))
    }

    fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// A value of an attribute without the entities that writers of HTML put into one.
fn unentitied(value: &str) -> String {
    let entities =
        [("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">")];
    let plain = |text: String, (entity, c): &(&str, &str)| text.replace(entity, c);
    entities.iter().fold(value.to_owned(), plain).replace("&amp;", "&")
}

/// A path or an anchor without `%20` and the like; what is not UTF-8 then stays as it was.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|pair| str::from_utf8(pair).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, after) = match escaped {
            Some(byte) if first == b'%' => (byte, &after[2..]),
            _ => (first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<String> {
        let mut site = Site::default();
        site.add("adr/page.html".to_owned(), page);
        site.add("top.html".to_owned(), "<h1 id=a-b>A</h1><h2 class='x' id='«é'>");
        site.add("style.css".to_owned(), "");
        site.findings()
    }

    #[test]
    fn links_lead_to_pages_and_places() {
        let good = r##"<a href="../top.html#a-b">a</a> <a href="../top.html#%C2%AB%c3%a9">b</a>
                       <p id="own" hidden/><a href="#own">c</a> <a href="">d</a>
                       <link rel=stylesheet href=../style.css?v=1><a href="https://x.example/">e</a>
                       <!-- <a href="gone.html"> --><script>var a = '<a href="gone.html">';</script>
                       <img alt="a > b" src="data:image/png;base64,AA==">"##;
        assert_eq!(found(good), [""; 0]);
        let bad = r##"<a href="gone.html">a</a><a href="../top.html#c">b</a><a href="#own">c</a>
                      <a href="../../out.html">d</a><a href="/top.html">e</a><IMG SRC='no.png'>"##;
        assert_eq!(
            found(bad),
            [
                "adr/page.html: leads nowhere: gone.html",
                "adr/page.html: no such place on that page: ../top.html#c",
                "adr/page.html: no such place on that page: #own",
                "adr/page.html: leads nowhere: ../../out.html",
                "adr/page.html: leads nowhere: /top.html",
                "adr/page.html: leads nowhere: no.png"
            ]
        );
    }

    #[test]
    fn nothing_is_loaded_from_another_host() {
        for page in [
            r#"<script src="https://cdn.example/a.js"></script>"#,
            r#"<link href="//fonts.example/a.css" rel="stylesheet">"#,
            r#"<img src="http://x.example/a.png">"#,
        ] {
            assert_eq!(found(page).len(), 1, "{page}");
            assert!(found(page)[0].contains("is loaded from elsewhere"), "{page}");
        }
        let mut site = Site::default();
        site.add("fonts/a.woff2".to_owned(), "");
        let css = "@import url('https://x.example/b.css'); @font-face { src: url(fonts/a.woff2) }";
        site.add("a.css".to_owned(), css);
        assert_eq!(site.findings(), ["a.css: is loaded from elsewhere: https://x.example/b.css"]);
    }

    #[test]
    fn what_is_cut_off_ends_the_page() {
        for page in
            ["<", "<a", "<a href", "<a href=", "<a href=\"", "<a href='x", "<!--", "<script>"]
        {
            found(page);
        }
        assert_eq!(
            (unescaped("%"), unescaped("%2"), unescaped("%zz")),
            ("%".into(), "%2".into(), "%zz".into())
        );
    }
}
