//! What a packet meets on a line: its turn, its delay, its loss. No I/O and no clock.

use std::time::{Duration, Instant};

/// The same in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Of an empty line, both directions together.
    pub round_trip: Duration,
    /// Share of the packets that are lost, each for itself.
    pub loss: f64,
    /// Share of the packets that take [`OVERTAKEN_BY`] longer, so that later ones come first. A line of
    /// TUN devices keeps the order.
    pub reorder: f64,
    pub bits_per_s: u64,
    /// Bytes that wait for their turn; what finds no room is lost.
    pub queue_bytes: u64,
}

/// How much longer a packet takes that is overtaken.
pub const OVERTAKEN_BY: Duration = Duration::from_millis(20);

/// A wire of the house.
pub const LAN: Shape = Shape {
    round_trip: Duration::from_millis(1),
    loss: 0.0,
    reorder: 0.0,
    bits_per_s: 1_000_000_000,
    queue_bytes: 1_000_000,
};
/// A long way with loss.
pub const LOSSY: Shape = Shape {
    round_trip: Duration::from_millis(100),
    loss: 0.02,
    reorder: 0.0,
    bits_per_s: 20_000_000,
    queue_bytes: 250_000,
};
/// A modem in a cupboard.
pub const LTE: Shape = Shape {
    round_trip: Duration::from_millis(60),
    loss: 0.001,
    reorder: 0.0,
    bits_per_s: 5_000_000,
    queue_bytes: 312_000,
};

/// One direction of a line.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    busy_until: Instant,
}

impl Direction {
    #[must_use]
    pub fn idle(now: Instant) -> Self {
        Self { busy_until: now }
    }

    /// When a packet of so many bytes arrives; `None` if it is lost.
    pub fn admit(&mut self, bytes: u64, shape: &Shape, now: Instant) -> Option<Instant> {
        let on_the_line =
            |bytes: u64| Duration::from_secs_f64((bytes * 8) as f64 / shape.bits_per_s as f64);
        self.busy_until = self.busy_until.max(now);
        let waits = self.busy_until - now;
        if waits + on_the_line(bytes) > on_the_line(shape.queue_bytes) {
            return None;
        }
        self.busy_until += on_the_line(bytes);
        // It has taken its time on the line before it is lost.
        if rand::random::<f64>() < shape.loss {
            return None;
        }
        let is_overtaken = rand::random::<f64>() < shape.reorder;
        let detour = if is_overtaken { OVERTAKEN_BY } else { Duration::ZERO };
        Some(self.busy_until + shape.round_trip / 2 + detour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_wait_their_turn_and_find_no_room_at_last() {
        let now = Instant::now();
        let mut line = Direction::idle(now);
        let shape = Shape { bits_per_s: 8_000, queue_bytes: 3_000, ..LAN };
        let arrives = |line: &mut Direction| line.admit(1_000, &shape, now).map(|at| at - now);
        let half = LAN.round_trip / 2;
        assert_eq!(arrives(&mut line), Some(Duration::from_secs(1) + half));
        assert_eq!(arrives(&mut line), Some(Duration::from_secs(2) + half));
        assert_eq!(arrives(&mut line), Some(Duration::from_secs(3) + half));
        assert_eq!(arrives(&mut line), None);
    }

    #[test]
    fn all_is_lost_or_overtaken_where_the_line_says_so() {
        let now = Instant::now();
        let mut line = Direction::idle(now);
        assert_eq!(line.admit(100, &Shape { loss: 1.0, ..LAN }, now), None);
        let late = line.admit(100, &Shape { reorder: 1.0, ..LAN }, now).unwrap();
        assert!(late - now >= OVERTAKEN_BY);
    }
}
