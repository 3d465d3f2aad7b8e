//! Simulated routers for the tests that run the whole road.

use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{self, Served};

const COMMUNITY: &[u8] = b"public";
const INTERFACES: u32 = 8;

/// Healthy routers.
pub(crate) struct Routers(Vec<Served>);

impl Routers {
    pub(crate) async fn start(count: usize) -> Self {
        let mut served = Vec::new();
        for at in 0..count {
            let kind = Kind::ALL[at % Kind::ALL.len()];
            let router = Router::new(kind, INTERFACES, at as u64);
            served.push(sim::serve_anywhere(router.responder(COMMUNITY)).await.unwrap());
        }
        Self(served)
    }

    pub(crate) fn address(&self, at: usize) -> String {
        self.0[at].address.to_string()
    }
}
