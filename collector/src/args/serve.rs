//! `serve`.

use std::net::SocketAddr;

use clap::Args;
use farwatch_common::{logging, signals};
use toml::Value;

use super::place::Place;
use super::runtime;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// UDP and TCP address for agents, web UI and API
    #[arg(long, value_name = "ADDR:PORT", value_parser = socket)]
    listen: Option<SocketAddr>,
    /// Plain HTTP for the web UI and the API, on a loopback address
    #[arg(long, value_name = "127.0.0.1:PORT", value_parser = socket)]
    http: Option<SocketAddr>,
}

fn socket(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give ADDR:PORT, for example 127.0.0.1:8443, or [::]:443 for all")
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let flag = |key, address: Option<SocketAddr>| {
            address.map(|address| (key, Value::String(address.to_string())))
        };
        let flags = [flag("listen.address", self.listen), flag("listen.http", self.http)];
        let config = self.place.load(flags.into_iter().flatten().collect())?;
        let filter = std::env::var(logging::FILTER_VARIABLE);
        logging::init(filter.as_deref().unwrap_or(&config.log.filter))?;
        let stop = signals::stop_requested()?;
        let served = crate::collector::serve(config, stop.cancelled());
        runtime()?.block_on(served).map_err(Into::into)
    }
}
