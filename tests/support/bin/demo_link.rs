//! `farwatch-demo-link`: one end of the link of a demo's site, see [`link`].
//!
//! Runs in the link's folder. `outer COLLECTOR [EVERY_S/FOR_S[@FIRST_S]]` goes before `inner LISTEN`; each
//! runs until it is ended.

use std::path::Path;

use anyhow::Context as _;
use farwatch_support::link;
use tokio_util::sync::CancellationToken;

const USAGE: &str = "farwatch-demo-link outer COLLECTOR [EVERY_S/FOR_S[@FIRST_S]]
farwatch-demo-link inner LISTEN";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let folder = Path::new("");
    match words[..] {
        ["outer", collector] => outer(folder, collector, None).await,
        ["outer", collector, cuts] => outer(folder, collector, Some(cuts.parse()?)).await,
        ["inner", listen] => {
            let listen = listen.parse().context(USAGE)?;
            link::inner(folder, listen).await
        }
        _ => anyhow::bail!("{USAGE}"),
    }
}

async fn outer(folder: &Path, collector: &str, cuts: Option<link::Cuts>) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    link::outer(folder, collector.parse().context(USAGE)?, cuts, &stop).await
}
