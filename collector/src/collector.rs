//! The composition root: reads top-down like the picture. Doors, ingest, store, live, api.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::id::IdGenerator;
use farwatch_common::task::{TaskFailed, TaskSet};
use farwatch_common::tls::{self, TlsError};
use farwatch_common::transport::quic::EndpointSecrets;
use farwatch_common::transport::{
    ALPN_ENROLL, GRPC_CONNECTION_WINDOW, GRPC_STREAM_WINDOW,
};
use farwatch_proto::v1::enrollment_server::EnrollmentServer;
use farwatch_proto::v1::uplink_server::UplinkServer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::api;
use crate::config::Config;
use crate::identity::enroll::{EnrollmentService, Renewer};
use crate::identity::limits::Limits;
use crate::identity::pki::{Pki, PkiError, browser_identity, configured_identity};
use crate::ingest::{self, Ingest};
use crate::inventory::assignment::AssignmentChanges;
use crate::inventory::credential::{Vault, VaultError};
use crate::inventory::push::AssignmentPush;
use crate::listen::addresses::Addresses;
use crate::listen::agents::{AgentDoor, PIPES_WAITING_MAX};
use crate::listen::connections::Connections;
use crate::listen::web::WebDoor;
use crate::listen::{Doors, ListenError};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::store::{Database, StoreError};

/// How long tasks have to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);
const SECRETS_FILE: &str = "identity/quic.keys";
const SECRETS_BYTES: usize = 32 + 32 + 8;

/// Why the collector did not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the certificate authority failed")]
    Pki(#[from] PkiError),
    #[error("the master key failed")]
    Vault(#[from] VaultError),
    #[error("TLS failed")]
    Tls(#[from] TlsError),
    #[error("cannot open the doors")]
    Listen(#[from] ListenError),
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("stopped, because a part failed")]
    Task(#[from] TaskFailed),
}

/// Serves until `stop` resolves.
pub async fn serve(config: Config, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let clock = Clock::system();
    let data_dir = config.data_dir.clone();
    let file = |path: PathBuf| move |source| ServeError::File { path, source };
    std::fs::create_dir_all(&data_dir).map_err(file(data_dir.clone()))?;

    // What is kept.
    let database = Database::open(&data_dir).await?;
    let pki = Arc::new(Pki::open(&data_dir, clock.now())?);
    let vault = Arc::new(Vault::open(&data_dir)?);
    let ids = Arc::new(IdGenerator::new(0));
    let metrics = Arc::new(Metrics::default());

    // Doors first: a taken port is found before anything runs.
    let identity = pki.collector_identity(clock.now())?;
    let quic_tls = tls::agent_listener_config(identity.clone(), pki.root().clone())?;
    let doors =
        Doors::open(config.listen, config.http, quic_tls, &endpoint_secrets(&data_dir)?).await?;
    let addresses = doors.addresses(&config.public_endpoints)?;
    let browser = match &config.tls {
        Some(tls) => configured_identity(&tls.cert_file, &tls.key_file)?,
        None => browser_identity(&data_dir, clock.now())?,
    };

    let mut tasks = TaskSet::new();
    let cancel = tasks.cancellation();
}
