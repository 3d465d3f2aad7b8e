//! Every statement of the program, for the test that prepares them all on both engines.
//!
//! A list by hand, because collecting statics takes link sections, which are unsafe code. A test
//! holds it against the sources: a `sql!` that is not here fails. A statement stands under each
//! role that it runs as.

use super::Sql;
use crate::api::health;
use crate::audit::{list as audit_list, write};
use crate::identity::{agent_key, api_key, session, tenancy, token, user};
use crate::ingest::presence;
use crate::inventory::{agent, assignment, credential, device, site, tenant};
use crate::live::rebuild;
use crate::store::samples::{cursor, facts, fetch, gaps, last, pages, subject};
use crate::store::sqlite::append;
use crate::store::txn::Role;

pub(super) static STATEMENTS: &[(Role, &[&Sql])] =
    &[(Role::App, APP), (Role::Ingest, INGEST), (Role::Identity, IDENTITY)];

static APP: &[&Sql] = &[
    &audit_list::LIST,
    &audit_list::CHAIN,
    &audit_list::HEAD,
    &write::LOCK,
    &write::INSERT,
    &write::RAISE,
    &agent::TAKEN_NAMES,
    &agent::INSERT,
    &agent::TOTAL,
    &agent::LIST,
    &agent::GET,
    &agent::REVOKE,
    &api_key::TOTAL,
    &api_key::LIST,
    &api_key::OF_TENANT,
    &assignment::BUMP,
    &assignment::OUTGROW,
    &assignment::REVISION,
    &assignment::DEVICES,
    &credential::KEY_INSERT,
    &credential::KEY_GET,
    &device::COUNT,
    &device::LIST_NAME,
    &device::LIST_NAME_DOWN,
    &device::LIST_CREATED,
    &device::LIST_CREATED_DOWN,
    &device::GET,
    &device::INSERT,
    &device::CREDENTIAL_INSERT,
    &device::DELETE,
    &health::PROBE,
    &site::INSERT,
    &site::COUNT,
    &site::BY_NAME,
    &site::TOTAL,
    &site::LIST,
    &site::GET,
    &tenant::INSERT,
    &tenant::TOTAL,
    &tenant::LIST,
    &tenant::BY_NAME,
    &fetch::ANY_BATCH,
    &gaps::GAPS_BETWEEN,
    &gaps::GAP_COUNT,
    &gaps::GAP_PAGE,
    &pages::ENDS,
    &pages::OLDEST,
    &subject::DEVICE,
    &subject::DEVICE_SCHEMAS,
];

static INGEST: &[&Sql] = &[
    &append::BATCH_STORE,
    &append::CURSOR_STORE,
    &append::HASH,
    &append::SCHEMA_STORE,
    &append::USE_STORE,
    &cursor::CURSOR,
    &facts::DEVICE_FACTS_STORE,
    &facts::DEVICE_LOCK,
    &facts::GAP_STORE,
    &facts::INTERFACES_REMOVE,
    &facts::INTERFACES_SEEN,
    &facts::INTERFACE_STORE,
    &last::CHECKPOINTS,
    &last::CHECKPOINT_STORE,
    &last::TAIL,
    &presence::SEEN,
    &rebuild::AGENTS,
    &rebuild::DEVICES,
    &rebuild::INTERFACES,
    &subject::SCHEMAS,
];

static IDENTITY: &[&Sql] = &[
    &write::LOCK,
    &write::INSERT,
    &write::RAISE,
    &agent_key::FIND,
    &agent_key::DELETE_EXPIRED,
    &agent_key::ADMIT,
    &agent_key::REVOKE,
    &api_key::INSERT,
    &api_key::DELETE_ENDED,
    &api_key::COUNT_GOOD,
    &api_key::GET,
    &api_key::TOUCH,
    &api_key::REVOKE,
    &session::DELETE,
    &session::DELETE_OLD,
    &session::INSERT,
    &session::GET,
    &session::TOUCH,
    &site::INSERT,
    &site::COUNT,
    &site::BY_NAME,
    &subject::TENANTS,
    &tenancy::ALL_TENANTS,
    &token::INSERT,
    &token::DELETE_OLD,
    &token::COUNT_OPEN,
    &token::GET,
    &token::USE,
    &user::INSERT,
    &user::INSERT_MEMBERSHIP,
    &user::ANY,
    &user::ACCOUNT,
    &user::GET,
    &user::MEMBERSHIPS,
];
