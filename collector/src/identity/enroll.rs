//! Enrolment: a one-time token becomes an agent with a certificate.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, IdGenerator, TenantId};
use farwatch_common::task::{chain, to_the_end};
use farwatch_proto::v1::enrollment_server::Enrollment;
use farwatch_proto::v1::{EnrollReply, EnrollRequest};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::IdentityKey;
use super::agent_key::agent_key_admit;
use super::limits::{Limits, address_key};
use super::peer::PeerInfo;
use super::pki::{IssuedCertificate, Pki, PkiError};
use super::token::{self, TokenError, token_redeem};
use crate::api::Client;
use crate::audit::list::token_maker;
use crate::audit::write::Chains;
use crate::audit::{Change, Origin, Who};
use crate::ingest::CertificateRenewer;
use crate::inventory::InventoryError;
use crate::inventory::agent::agent_create;
use crate::inventory::quota::room_for_agent;
use crate::inventory::site::site_named;
use crate::live::Live;
use crate::metrics::Counter;
use crate::store::txn::Scope;
use crate::store::{Database, StoreError};

/// Longest text an agent may send about itself.
const TEXT_BYTES_MAX: usize = 200;
const CSR_BYTES_MAX: usize = 8 * 1024;

/// The enrolment service.
#[derive(Clone)]
pub struct EnrollmentService {
    pub database: Database,
    pub pki: Arc<Pki>,
    pub ids: Arc<IdGenerator>,
    pub clock: Clock,
    pub limits: Arc<Limits>,
    pub live: Live,
    pub accepted: Counter,
    pub refused: Counter,
    /// HOST:PORT of this installation's collectors, as tokens carry them.
    pub endpoints: Arc<[String]>,
}

#[tonic::async_trait]
impl Enrollment for EnrollmentService {
    async fn enroll(
        &self,
        request: Request<EnrollRequest>,
    ) -> Result<Response<EnrollReply>, Status> {
        let Some(client) = request.extensions().get::<Client>() else {
            // No door of ours; without an address there is no limit.
            self.refused.add(1);
            return Err(Status::internal("the collector does not know where this came from"));
        };
        if let Err(limited) = self.limits.enrolment.check(&address_key(client.address.ip())) {
            self.refused.add(1);
            let mut status = Status::resource_exhausted(format!(
                "too many enrolments from this address, try again in {} s",
                limited.seconds()
            ));
            status.metadata_mut().insert("retry-after", limited.seconds().into());
            return Err(status);
        }
        // To the end: an agent that hung up after the commit is known to `live` all the same.
        let (service, client, request) = (self.clone(), *client, request.into_inner());
        match to_the_end(async move { service.admit(request, client).await }).await {
            Ok(reply) => {
                self.accepted.add(1);
                Ok(Response::new(reply))
            }
            Err(error) => {
                self.refused.add(1);
                tracing::info!(error = chain(&error), "enrolment refused");
                Err(error.into())
            }
        }
    }
}

/// Why an agent was not enrolled.
#[derive(Debug, thiserror::Error)]
enum EnrollError {
    #[error("the request cannot be read: {what}")]
    Request { what: &'static str },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the certificate request was refused")]
    Pki(#[from] PkiError),
    #[error("the key is admitted for another agent already")]
    KeyTaken,
    #[error("the inventory failed")]
    Inventory(#[from] InventoryError),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl From<EnrollError> for Status {
    fn from(error: EnrollError) -> Self {
        match error {
            EnrollError::Request { .. } | EnrollError::KeyTaken => {
                Self::invalid_argument(error.to_string())
            }
            EnrollError::Pki(PkiError::Request) => {
                Self::invalid_argument("the certificate request is not signed by its own key")
            }
            EnrollError::Inventory(InventoryError::Quota { max, .. }) => {
                Self::failed_precondition(format!(
                    "the tenant has {max} agents, its quota: revoke one that is gone, or have the \
                     quota raised; the token stays good"
                ))
            }
            EnrollError::Token(TokenError::Refused) => Self::unauthenticated(
                "the token is unknown, used or expired; ask for a new one (Agents, New agent)",
            ),
            EnrollError::Token(_)
            | EnrollError::Inventory(_)
            | EnrollError::Store(_)
            | EnrollError::Pki(_) => Self::unavailable("the collector failed, try again"),
        }
    }
}

impl EnrollmentService {
    async fn admit(
        &self,
        request: EnrollRequest,
        client: Client,
    ) -> Result<EnrollReply, EnrollError> {
        let request = checked(request)?;
        let now = self.clock.now();
        let agent = AgentId(self.ids.next(now));
        let mut txn = self.database.identity(IdentityKey::new()).await?;
        // The tenant's chain first, as all changes of a tenant do: who takes the token back at the
        // same time holds it too.
        let of_token = token::GET.bind(&request.token_id[..]).optional(&mut txn).await?;
        let of_token = of_token.ok_or(TokenError::Refused)?;
        let (tenant, made_at) = (TenantId(of_token.get(0)?), Micros(of_token.get(4)?));
        let token = HEXLOWER.encode(&request.token_id);
        let mut chains = Chains::lock(&mut txn, &[tenant].into()).await?;
        let (tenant, site) =
            token_redeem(&mut txn, &request.token_id, &request.token_secret, agent, now).await?;
        // Signed inside the transaction: a request that cannot be signed leaves the token unused.
        let issued = self.pki.issue_agent(&request.csr, tenant, agent, now)?;
        txn.switch(IdentityKey::new(), Scope::app(tenant)).await?;
        room_for_agent(&mut txn, tenant).await?;
        let name = agent_create(&mut txn, (tenant, site, agent), &request.host_name, now).await?;
        let place = site_named(&mut txn, tenant, site).await?;
        let maker = token_maker(&mut txn, tenant, &token, made_at).await?;
        txn.switch(IdentityKey::new(), Scope::identity()).await?;
        if !agent_key_admit(&mut txn, (tenant, agent), &issued.key_hash, issued.not_after, now)
            .await?
        {
            return Err(EnrollError::KeyTaken);
        }
        let origin = Origin { address: Some(client.address.ip()), ..Origin::default() };
        let after = json!({ "site": place.name, "token": token, "token_made_by": maker });
        let who = Who { kind: "token", id: 0, name: token.into(), origin };
        let change = Change::new("agent", "enrol", agent.0, &name).after(after);
        chains.add(&mut txn, &who, change, now).await?;
        chains.close(&mut txn).await?;
        txn.commit().await?;
        self.live.agent_added(tenant, agent);
        tracing::info!(tenant_id = %tenant, agent_id = %agent, "agent enrolled");
        Ok(EnrollReply {
            agent_id: agent.0,
            tenant_id: tenant.0,
            site_id: site.0,
            certificate_chain: issued.chain.iter().map(|der| der.to_vec()).collect(),
            root: self.pki.root().to_vec(),
            collectors: self.endpoints.to_vec(),
            renew_after_us: issued.renew_after.0,
            agent_name: name,
        })
    }
}

/// Renews an agent's certificate over its authenticated connection.
#[derive(Clone)]
pub struct Renewer {
    pub database: Database,
    pub pki: Arc<Pki>,
    pub live: Live,
    pub clock: Clock,
}

impl Renewer {
    /// A certificate for the key of `csr`, which may be the old key or a new one.
    async fn issue(&self, peer: &PeerInfo, csr: &[u8]) -> Result<IssuedCertificate, EnrollError> {
        if csr.len() > CSR_BYTES_MAX {
            return Err(EnrollError::Request { what: "the certificate request is too long" });
        }
        let now = self.clock.now();
        let issued = self.pki.issue_agent(csr, peer.tenant, peer.agent, now)?;
        let mut txn = self.database.identity(IdentityKey::new()).await?;
        let owner = (peer.tenant, peer.agent);
        if !agent_key_admit(&mut txn, owner, &issued.key_hash, issued.not_after, now).await? {
            return Err(EnrollError::KeyTaken);
        }
        txn.commit().await?;
        self.live.agent_renewed(peer.agent, issued.not_after);
        Ok(issued)
    }
}

#[tonic::async_trait]
impl CertificateRenewer for Renewer {
    async fn renew(&self, peer: &PeerInfo, csr: &[u8]) -> Result<(Vec<Vec<u8>>, Micros), Status> {
        match self.issue(peer, csr).await {
            Ok(issued) => {
                let chain = issued.chain.iter().map(|der| der.to_vec()).collect();
                Ok((chain, issued.renew_after))
            }
            Err(error) => {
                tracing::warn!(agent_id = %peer.agent, error = chain(&error), "renewal refused");
                Err(error.into())
            }
        }
    }
}

struct Checked {
    token_id: [u8; 16],
    token_secret: [u8; 32],
    csr: Vec<u8>,
    host_name: String,
}

fn checked(request: EnrollRequest) -> Result<Checked, EnrollError> {
    let what = |what| EnrollError::Request { what };
    if request.csr.len() > CSR_BYTES_MAX {
        return Err(what("the certificate request is too long"));
    }
    let texts = [&request.agent_version, &request.platform, &request.host_name];
    if texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(what("a text is too long"));
    }
    let size = |_| what("the token has a wrong size");
    Ok(Checked {
        token_id: request.token_id.try_into().map_err(size)?,
        token_secret: request.token_secret.try_into().map_err(size)?,
        csr: request.csr,
        host_name: request.host_name.chars().filter(|c| !c.is_control()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use farwatch_common::token::EnrollToken;
    use tonic::Code;

    use super::*;
    use crate::audit::list::{AuditCursor, AuditFilter, audit_list};
    use crate::identity::TenantContext;
    use crate::identity::limits::ENROLMENTS_PER_MINUTE_ADDRESS;
    use crate::identity::token::{TokenOrigin, token_create};
    use crate::inventory::Vault;
    use crate::inventory::quota::{Quota, quota_set};
    use crate::inventory::tenant::tenant_create;
    use crate::metrics::Metrics;

    /// The service on a database of its own, and what counts its refusals.
    async fn service(dir: &std::path::Path) -> (EnrollmentService, Counter) {
        let (clock, metrics) = (Clock::system(), Metrics::default());
        let refused = metrics.counter("refused_total", "Refused", &[]);
        let service = EnrollmentService {
            database: Database::open(dir).await.unwrap(),
            pki: Arc::new(Pki::open(dir, clock.now()).unwrap()),
            ids: Arc::new(IdGenerator::new(1)),
            live: Live::new(clock.clone()),
            clock,
            limits: Arc::default(),
            accepted: metrics.counter("accepted_total", "Accepted", &[]),
            refused: refused.clone(),
            endpoints: Arc::new([]),
        };
        (service, refused)
    }

    #[tokio::test]
    async fn what_is_refused_is_counted_and_an_unknown_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (service, refused) = service(dir.path()).await;
        let ask = async |client: Option<Client>| {
            let mut request = Request::new(EnrollRequest::default());
            if let Some(client) = client {
                request.extensions_mut().insert(client);
            }
            service.enroll(request).await.unwrap_err().code()
        };
        assert_eq!(ask(None).await, Code::Internal);
        let client = Client { address: "192.0.2.7:5000".parse().unwrap(), secure: true };
        let tries = ENROLMENTS_PER_MINUTE_ADDRESS.get();
        for _ in 0..tries {
            assert_eq!(ask(Some(client)).await, Code::InvalidArgument);
        }
        assert_eq!(ask(Some(client)).await, Code::ResourceExhausted);
        assert_eq!(refused.get(), u64::from(tries) + 2);
    }

    #[tokio::test]
    async fn a_tenant_with_its_quota_of_agents_is_told_so_and_the_token_stays_good() {
        let dir = tempfile::tempdir().unwrap();
        let (service, _) = service(dir.path()).await;
        let (db, ids, now) = (&service.database, &service.ids, service.clock.now());
        let vault = Vault::open(dir.path()).unwrap();
        let local = TenantContext::local(db).await.unwrap();
        let tenant = tenant_create(db, &vault, &local, ids, "North", now).await.unwrap().id;
        let all = TenantContext::local(db).await.unwrap();
        let origin = TokenOrigin { root_pin: [7; 32], endpoints: Vec::new() };
        let made = token_create(db, &all, ids, (tenant, "Depot"), &origin, now).await.unwrap();
        let token = EnrollToken::parse(str::from_utf8(made.text.expose()).unwrap()).unwrap();
        let set = async |agents| {
            let quota = Quota { agents, ..Quota::default() };
            quota_set(db, &all, tenant, quota, now).await.unwrap();
        };
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::default();
        let csr = params.serialize_request(&key).unwrap().der().to_vec();
        let ask = async || {
            let mut request = Request::new(EnrollRequest {
                token_id: token.id.to_vec(),
                token_secret: token.secret.expose().to_vec(),
                csr: csr.clone(),
                host_name: "here".to_owned(),
                ..EnrollRequest::default()
            });
            let address = "192.0.2.7:5000".parse().unwrap();
            request.extensions_mut().insert(Client { address, secure: true });
            service.enroll(request).await
        };
        set(Some(0)).await;
        let refused = ask().await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("the token stays good"), "{}", refused.message());
        set(Some(1)).await;
        assert_eq!(ask().await.unwrap().get_ref().agent_name, "here");
        assert_eq!(ask().await.unwrap_err().code(), Code::Unauthenticated);
        let filter = AuditFilter {
            action: "agent.enrol".to_owned(),
            search: String::new(),
            from: Micros(0),
            to: Micros(i64::MAX),
        };
        let rows = audit_list(db, &all, &filter, AuditCursor::NEWEST, 9).await.unwrap();
        let told: serde_json::Value =
            serde_json::from_str(rows[0].entry.after.as_deref().unwrap()).unwrap();
        let id = HEXLOWER.encode(&token.id);
        let made_by = "command line";
        assert_eq!(told, json!({ "site": "Depot", "token": id, "token_made_by": made_by }));
    }
}
