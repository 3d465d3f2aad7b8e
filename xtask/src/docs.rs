//! `./x docs`: the book in `docs/` as pages in `target/docs`. They need no server and ask nobody: every
//! link among them is checked, and what a page loads lies beside it.

mod pages;

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Result, cmd, cmd::Cmd, cmd::note, install, repo};
use pages::Site;

/// Builds and checks the pages, and names the folder they are in.
pub(crate) fn build() -> Result<PathBuf> {
    install::mdbook()?;
    let folder = repo::target().join("docs");
    let built = Cmd::new("mdbook").args(["build", "docs", "--dest-dir"]).arg(&folder).tee()?;
    // What it warns of, an HTML tag without its end for one, is not what the author meant.
    if !built.status.success() || built.text.contains("WARN") {
        return Err("mdbook is not content with docs/, see above".into());
    }
    let mut site = Site::default();
    read(&folder, &folder, &mut site)?;
    let findings = site.findings();
    for finding in &findings {
        cmd::result(finding);
    }
    if findings.is_empty() {
        note(&format!("docs: {} links on {} pages, none broken", site.links(), site.pages()));
        return Ok(folder);
    }
    Err(format!("{} findings", findings.len()).into())
}

/// Builds them and prints where to open them.
pub(crate) fn open() -> Result {
    let index = build()?.join("index.html");
    let path = index.to_string_lossy().replace('\\', "/");
    cmd::result(&format!("file://{}{path}", if path.starts_with('/') { "" } else { "/" }));
    Ok(())
}

fn read(root: &Path, folder: &Path, site: &mut Site) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(root, &path, site)?;
            continue;
        }
        let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        let is_text = [".html", ".css"].iter().any(|extension| name.ends_with(extension));
        let text = if is_text { fs::read_to_string(&path)? } else { String::new() };
        site.add(name, &text);
    }
    Ok(())
}
