//! Heartbeats of a session: what they tell the collector, and what their answers tell of its clock.

use farwatch_common::clock::Micros;
use farwatch_common::transport::Session;
use farwatch_proto::v1::{
    BufferStatus, CarrierReason, Heartbeat, HeartbeatReply, LinkStatus, telemetry_up,
};

use super::Live;
use crate::uplink::carrier::Reason;
use crate::uplink::core::{Core, WINDOW_MAX};
use crate::uplink::{Uplink, UplinkError};

impl Live {
    /// The time by the collector's clock.
    pub(super) fn collector_time(&self, uplink: &Uplink) -> Micros {
        Micros(uplink.clock.now().0.saturating_add(self.clock_offset_us))
    }

    pub(super) fn beat(&mut self, uplink: &Uplink, core: &mut Core) -> Result<(), UplinkError> {
        // The places of the window's batches stay free. Where heartbeats have piled up, one more
        // would tell nothing.
        if self.up.capacity() <= WINDOW_MAX.saturating_sub(core.in_flight()) {
            core.beat(self.now(uplink), self.session.rtt());
            return Ok(());
        }
        let buffer = {
            let state = self.state.borrow();
            let oldest_us = state.oldest.map_or(0, |at| at.0);
            BufferStatus { batches: state.batches, bytes: state.bytes, oldest_us }
        };
        self.send(telemetry_up::Kind::Heartbeat(Heartbeat {
            agent_time_us: uplink.clock.now().0,
            buffer: Some(buffer),
            link: Some(link_status(uplink, &*self.session)),
            gateway: uplink.gateway.borrow().clone(),
            ..Heartbeat::default()
        }))?;
        core.beat(self.now(uplink), self.session.rtt());
        Ok(())
    }

    pub(super) fn note_reply(&mut self, uplink: &Uplink, reply: &HeartbeatReply) {
        let now = uplink.clock.now();
        let there = reply.received_us.saturating_sub(reply.agent_time_us);
        let back = reply.sent_us.saturating_sub(now.0);
        let offset = there.saturating_add(back) / 2;
        self.clock_offset_us = offset;
        let round_trip_ms = u64::try_from(self.session.rtt().as_millis()).ok();
        let packets = self.session.packets().filter(|(sent, _)| *sent > 0);
        // Counts of one session, far below 2^52.
        let lost_percent = packets.map(|(sent, lost)| 100.0 * lost as f64 / sent as f64);
        uplink.state.send_modify(|state| {
            state.clock_offset_us = Some(offset);
            state.round_trip_ms = round_trip_ms;
            state.lost_percent = lost_percent;
        });
    }
}

/// What the collector is told of what carries the session.
pub(super) fn link_status(uplink: &Uplink, session: &dyn Session) -> LinkStatus {
    let reason =
        uplink.reason(session.carrier()).map_or(CarrierReason::Unspecified, Reason::on_wire);
    let (packets_sent, packets_lost) = session.packets().unwrap_or_default();
    LinkStatus {
        reason: reason.into(),
        rtt_us: u32::try_from(session.rtt().as_micros()).unwrap_or(u32::MAX),
        packets_sent,
        packets_lost,
        proxied: uplink.state.borrow().proxied,
    }
}
