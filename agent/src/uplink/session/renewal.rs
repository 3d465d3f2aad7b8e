//! The next certificate, fetched in good time over the session that the present one opened.

use std::time::Duration;

use farwatch_common::task::chain;

use super::Live;
use crate::identity::{renew, renew_at};
use crate::uplink::Uplink;

/// A timer is set for no longer; it is then looked at again.
const RENEWAL_WAIT_MAX: Duration = Duration::from_secs(24 * 3600);
/// A renewal that failed is tried again after up to this long.
const RENEW_AGAIN: Duration = Duration::from_secs(3600);

impl Live {
    /// When to renew, and how long until then.
    pub(super) fn renewal(&self, uplink: &mut Uplink) -> Duration {
        let now = self.collector_time(uplink);
        let credentials = &uplink.credentials;
        let first = || renew_at(credentials, now, rand::random());
        uplink.renew_at.get_or_insert_with(first).since(now).min(RENEWAL_WAIT_MAX)
    }

    /// Fetches the next certificate; says whether there is one. The old one is good for a while, so
    /// a failure only postpones.
    pub(super) async fn renew(&mut self, uplink: &mut Uplink) -> bool {
        let now = self.collector_time(uplink);
        if uplink.renew_at.is_none_or(|at| now < at) {
            return false;
        }
        match renew(&uplink.credentials, &mut self.client).await {
            Ok(credentials) => {
                uplink.renew_at = None;
                uplink.credentials = credentials;
                uplink.save_credentials();
                tracing::info!("the certificate is renewed");
                true
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(error, "the certificate could not be renewed yet");
                let wait = RENEW_AGAIN.mul_f64(0.5 + rand::random::<f64>() / 2.0);
                uplink.renew_at = Some(now.after(wait));
                false
            }
        }
    }
}
