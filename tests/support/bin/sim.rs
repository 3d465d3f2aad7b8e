//! `farwatch-sim`: simulated routers on loopback.
//!
//! Prints one line `router NAME ADDRESS COMMUNITY` for each, then `ready`. Ends on SIGTERM or
//! SIGINT, and with `--until-stdin-closes` also when its standard input is closed.
//!
//! With `--field FILE` they are those of the file, as [`field`] has it, at the addresses it says; with
//! `--device NAME` most of them behind the TUN device of that name, which is made.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use farwatch_support::sim::fault::Fault;
use farwatch_support::sim::field::{self, Field};
use farwatch_support::sim::mib::Object;
use farwatch_support::sim::oracle::Oracle;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{Served, serve};
use tokio::net::UdpSocket;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "farwatch-sim [--count N] [--interfaces N] [--base-port PORT] \
[--state-file FILE] [--community TEXT] [--fault NAME] [--oracle LOG] [--until-stdin-closes]
farwatch-sim --field FILE [--device NAME]";

struct Options {
    count: usize,
    interfaces: u32,
    base_port: Option<u16>,
    /// Ports of earlier runs, so that addresses stay.
    state_file: Option<PathBuf>,
    community: String,
    fault: Fault,
    oracle: Option<PathBuf>,
    field: Option<PathBuf>,
    device: Option<String>,
    until_stdin_closes: bool,
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        count: 5,
        interfaces: 8,
        base_port: None,
        state_file: None,
        community: "public".into(),
        fault: Fault::None,
        oracle: None,
        field: None,
        device: None,
        until_stdin_closes: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--help" {
            println!("{USAGE}");
            std::process::exit(0);
        }
        if name == "--until-stdin-closes" {
            options.until_stdin_closes = true;
            continue;
        }
        let value = arguments.next().with_context(|| format!("{name} needs a value\n{USAGE}"))?;
        match name.as_str() {
            "--count" => options.count = value.parse().context("--count")?,
            "--interfaces" => options.interfaces = value.parse().context("--interfaces")?,
            "--base-port" => options.base_port = Some(value.parse().context("--base-port")?),
            "--state-file" => options.state_file = Some(value.into()),
            "--community" => options.community = value,
            "--fault" => options.fault = value.parse().map_err(anyhow::Error::msg)?,
            "--oracle" => options.oracle = Some(value.into()),
            "--field" => options.field = Some(value.into()),
            "--device" => options.device = Some(value),
            other => bail!("unknown option {other}\n{USAGE}"),
        }
    }
    if options.oracle.is_some() {
        options.count = 1;
    }
    Ok(options)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    if let Some(file) = &options.field {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let stations = field::read(&text).with_context(|| file.display().to_string())?;
        let _field = match &options.device {
            Some(device) => Field::behind_lines(&stations, device).await?,
            None => Field::on_sockets(&stations).await?,
        };
        return until_told(&options).await;
    }
    let _routers = routers(&options).await?;
    until_told(&options).await
}

/// Routers of all kinds in turn, on ports of this host.
async fn routers(options: &Options) -> anyhow::Result<Vec<Served>> {
    let known = known_ports(options)?;
    let mut served = Vec::with_capacity(options.count);
    for at in 0..options.count {
        let router = Router {
            interfaces: if options.oracle.is_some() { 1 } else { options.interfaces },
            ..Router::new(Kind::ALL[at % Kind::ALL.len()], options.interfaces, at as u64)
        };
        let mut responder = router.responder(options.community.as_bytes());
        responder.fault = options.fault;
        if let Some(log) = &options.oracle {
            responder.mib.put(&[31, 1, 1, 1, 6, 1], Object::Oracle);
            let oracle = Oracle::open(log).with_context(|| log.display().to_string())?;
            responder.oracle = Some(oracle);
        }
        let chosen = options.base_port.map(|base| base.saturating_add(at as u16));
        let port = known.get(at).copied().or(chosen).unwrap_or(0);
        let socket = UdpSocket::bind(("127.0.0.1", port)).await.with_context(|| {
            format!("port {port} of an earlier run is taken by another program")
        })?;
        let running = serve(socket, responder)?;
        println!("router {} {} {}", router.name(), running.address, options.community);
        served.push(running);
    }
    if let Some(file) = &options.state_file {
        let ports: Vec<String> =
            served.iter().map(|running| running.address.port().to_string()).collect();
        std::fs::write(file, ports.join("\n")).with_context(|| file.display().to_string())?;
    }
    Ok(served)
}

async fn until_told(options: &Options) -> anyhow::Result<()> {
    println!("ready");
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_closed(), if options.until_stdin_closes => {}
    }
    Ok(())
}

fn known_ports(options: &Options) -> anyhow::Result<Vec<u16>> {
    let Some(file) = &options.state_file else {
        return Ok(Vec::new());
    };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).context(file.display().to_string()),
    };
    let ports: Result<Vec<u16>, _> = text.lines().map(str::parse).collect();
    ports.with_context(|| format!("{} does not hold ports: remove it", file.display()))
}

/// A thread of its own reads: the process must be able to end while it waits for input.
async fn stdin_closed() {
    let (closed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        closed.send(ended.is_ok())
    });
    // An error means that the thread has ended too.
    drop(wait.await);
}
