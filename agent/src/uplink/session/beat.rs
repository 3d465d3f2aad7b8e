//! Heartbeats of a session: what they tell the collector, and what their answers tell of its clock.

use farwatch_common::clock::{Look, Micros};
use farwatch_common::transport::Session;
use farwatch_proto::v1::{
    BufferStatus, CarrierReason, Heartbeat, HeartbeatReply, LinkStatus, telemetry_up,
};

use super::Live;
use super::measure::measure;
use crate::buffer::STEP_MIN_US;
use crate::uplink::carrier::Reason;
use crate::uplink::core::{Core, WINDOW_MAX};
use crate::uplink::{Uplink, UplinkError};

/// Heartbeats whose answers are waited for: on a slow line some are on the way.
const ASKED_MAX: usize = 16;

impl Live {
    /// The time by the collector's clock.
    pub(in crate::uplink) fn collector_time(&self, uplink: &Uplink) -> Micros {
        let now = uplink.clock.look();
        Micros(now.wall.0.saturating_add(self.offset_us(now)))
    }

    /// How far the collector's clock is ahead of ours, which may have been set since.
    fn offset_us(&self, now: Look) -> i64 {
        self.clock.offset_us.saturating_add(self.clock.ahead_us).saturating_sub(now.ahead_us)
    }

    /// Whether our clock was set, so that the collector is to be asked again.
    pub(super) fn clock_was_set(&mut self) -> bool {
        let epoch = self.state.borrow().epoch;
        std::mem::replace(&mut self.clock_epoch, epoch) != epoch
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
        let now = uplink.clock.look();
        // What was measured before our clock was set is true of another one.
        let holds = now.ahead_us.abs_diff(self.clock.ahead_us) <= STEP_MIN_US.unsigned_abs();
        let known = Some(self.clock).filter(|clock| holds && clock.error_us < u32::MAX);
        self.send(telemetry_up::Kind::Heartbeat(Heartbeat {
            agent_time_us: now.wall.0,
            buffer: Some(buffer),
            link: Some(link_status(uplink, &*self.session)),
            gateway: uplink.gateway.borrow().clone(),
            clock_offset_us: known.map(|clock| clock.offset_us),
            clock_error_us: known.map_or(0, |clock| clock.error_us),
        }))?;
        self.asked.truncate(ASKED_MAX - 1);
        self.asked.push_front(now);
        core.beat(self.now(uplink), self.session.rtt());
        Ok(())
    }

    pub(super) async fn note_reply(
        &mut self,
        uplink: &Uplink,
        reply: &HeartbeatReply,
    ) -> Result<(), UplinkError> {
        let now = uplink.clock.look();
        let at = self.asked.iter().position(|asked| asked.wall.0 == reply.agent_time_us);
        let asked = at.and_then(|at| self.asked.get(at).copied());
        // Those before it are not answered any more.
        self.asked.truncate(at.unwrap_or(self.asked.len()));
        let times = (Micros(reply.received_us), Micros(reply.sent_us));
        if let Some(measured) = asked.and_then(|asked| measure(asked, times, now)) {
            self.clock = measured;
            uplink.buffer.clock_measured(measured).await?;
        }
        let offset = self.offset_us(now);
        let round_trip_ms = u64::try_from(self.session.rtt().as_millis()).ok();
        let packets = self.session.packets().filter(|(sent, _)| *sent > 0);
        // Counts of one session, far below 2^52.
        let lost_percent = packets.map(|(sent, lost)| 100.0 * lost as f64 / sent as f64);
        uplink.state.send_modify(|state| {
            state.clock_offset_us = Some(offset);
            state.round_trip_ms = round_trip_ms;
            state.lost_percent = lost_percent;
        });
        Ok(())
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
