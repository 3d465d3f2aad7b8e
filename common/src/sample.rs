//! What a sample is: metrics, units, the schema of a poll, and the rows that follow it.
//!
//! A device is polled in *groups* (its system values, its interfaces, …). All values of one poll of
//! one group share a time and form a [`Row`]. What the columns mean stands in a [`Schema`], which is
//! sent once; a row carries the schema's id only.

pub mod definition;

use crate::clock::Micros;
use crate::id::DeviceId;

/// Most columns a schema may have. Design: a device is limited to some thousand series.
pub const COLUMNS_MAX: usize = 16_384;
/// Longest object or metric name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// How the values of a column are to be read. Numbers are wire values: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MetricKind {
    /// A level that goes up and down; the value is scaled by the column's exponent.
    Gauge = 1,
    /// Rises until it wraps at 2^32 or the device restarts; kept raw, rates are made on read.
    Counter32 = 2,
    /// Rises until the device restarts; the 64 bits of the value are those of a `u64`.
    Counter64 = 3,
    /// One of a few numbered states of the source MIB (for example ifOperStatus).
    State = 4,
}

impl MetricKind {
    #[must_use]
    pub fn from_wire(number: u32) -> Option<Self> {
        [Self::Gauge, Self::Counter32, Self::Counter64, Self::State]
            .into_iter()
            .find(|kind| *kind as u32 == number)
    }

    #[must_use]
    pub fn is_counter(self) -> bool {
        matches!(self, Self::Counter32 | Self::Counter64)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter32 | Self::Counter64 => "counter",
            Self::State => "state",
        }
    }
}

macro_rules! units {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// Base units. Numbers are wire values: never reuse one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Unit { $($name = $number,)* }

        impl Unit {
            #[must_use]
            pub fn from_wire(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The name in the API and at the end of metric names.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

units! {
    One = 1, "one";
    Bytes = 2, "bytes";
    Packets = 3, "packets";
    BitsPerSecond = 4, "bits_per_second";
    Seconds = 5, "seconds";
    Percent = 6, "percent";
    Celsius = 7, "celsius";
    Volts = 8, "volts";
    Amperes = 9, "amperes";
    Watts = 10, "watts";
    Hertz = 11, "hertz";
    DecibelMilliwatts = 12, "dbm";
    Decibels = 13, "db";
    RevolutionsPerMinute = 14, "rpm";
    Ratio = 15, "ratio";
    Meters = 16, "meters";
    Pascals = 17, "pascals";
    PerSecond = 18, "per_second";
}

/// What is polled together. Numbers are wire and storage values: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Group {
    /// Reachability and uptime of the device itself.
    System = 1,
    /// Counters and states of its interfaces (IF-MIB).
    Interfaces = 2,
    /// Echo requests and their answers (ICMP, ICMPv6).
    Ping = 3,
    /// Processors, memory and disks (HOST-RESOURCES-MIB, UCD-SNMP-MIB).
    Host = 4,
    /// What it measures of itself: temperatures, voltages, fans (ENTITY-SENSOR-MIB).
    Sensors = 5,
}

impl Group {
    pub const ALL: [Self; 5] =
        [Self::System, Self::Interfaces, Self::Ping, Self::Host, Self::Sensors];

    #[must_use]
    pub fn from_wire(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|group| *group as u32 == number)
    }

    /// The delivery class of the group's samples.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::System | Self::Ping | Self::Host | Self::Sensors => Class::Gauges,
            Self::Interfaces => Class::Counters,
        }
    }
}

/// Delivery class: what is evicted last when a buffer is full. A batch holds one class.
/// Numbers are wire and storage values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Config snapshots and audit: never evicted.
    Snapshots = 0,
    /// State changes, facts, gap reports.
    Events = 1,
    Gauges = 2,
    Counters = 3,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Snapshots, Self::Events, Self::Gauges, Self::Counters];

    #[must_use]
    pub fn from_wire(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as u32 == number)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshots => "snapshots",
            Self::Events => "events",
            Self::Gauges => "gauges",
            Self::Counters => "counters",
        }
    }
}

/// Why a value or a whole row is missing. Numbers are wire and storage values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// The device did not answer in time, retries included.
    Timeout = 1,
    /// The device refused the credential.
    Auth = 2,
    /// The device answered that it has no such object.
    Unsupported = 3,
    /// The network said there is no way to the device.
    Unreachable = 4,
    /// A limit was reached: answer too long, too many rows, no free slot.
    Budget = 5,
    /// Polled, but lost on the way; a gap row says where.
    Gap = 6,
    /// The answer broke the protocol.
    Malformed = 7,
    /// Nobody gave a credential to ask with.
    NoCredential = 8,
    /// This agent may not ask in this way: the system keeps it from sending echo requests.
    NotPermitted = 9,
    /// SNMPv3: the device has no such user (usmStatsUnknownUserNames).
    UnknownUser = 10,
    /// SNMPv3: the authentication password or protocol is wrong (usmStatsWrongDigests).
    WrongAuth = 11,
    /// SNMPv3: the privacy password or protocol is wrong (usmStatsDecryptionErrors, or silence).
    WrongPrivacy = 12,
    /// SNMPv3: the user has no keys for this level of security (usmStatsUnsupportedSecLevels, RFC 3414
    /// §3.2): it asks for more than the device gave it.
    WrongLevel = 13,
    /// SNMPv3: the clocks or the boot counts do not agree, even after they were learnt anew
    /// (usmStatsNotInTimeWindows).
    WrongClock = 14,
    /// SNMPv3: the device has no such context (snmpUnknownContexts).
    WrongContext = 15,
    /// SNMPv3: the user may read nothing at this level of security (authorizationError, RFC 3415 §3.2):
    /// the access it has, if any, takes a higher one.
    LevelTooLow = 16,
    /// It answered from another address than was asked, which is not taken of this device.
    OtherSource = 17,
    /// Its name has no address where the agent is.
    Unresolved = 18,
    /// The interface its address is on (the zone, RFC 4007 §11) is none of the agent's host.
    NoInterface = 19,
}

impl Cause {
    pub const ALL: [Self; 19] = [
        Self::Timeout,
        Self::Auth,
        Self::Unsupported,
        Self::Unreachable,
        Self::Budget,
        Self::Gap,
        Self::Malformed,
        Self::NoCredential,
        Self::NotPermitted,
        Self::UnknownUser,
        Self::WrongAuth,
        Self::WrongPrivacy,
        Self::WrongLevel,
        Self::WrongClock,
        Self::WrongContext,
        Self::LevelTooLow,
        Self::OtherSource,
        Self::Unresolved,
        Self::NoInterface,
    ];

    #[must_use]
    pub fn from_wire(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| *cause as u32 == number)
    }

    /// The name in the API and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Auth => "auth",
            Self::Unsupported => "unsupported",
            Self::Unreachable => "unreachable",
            Self::Budget => "budget",
            Self::Gap => "gap",
            Self::Malformed => "malformed",
            Self::NoCredential => "no_credential",
            Self::NotPermitted => "not_permitted",
            Self::UnknownUser => "unknown_user",
            Self::WrongAuth => "wrong_auth",
            Self::WrongPrivacy => "wrong_privacy",
            Self::WrongLevel => "wrong_level",
            Self::WrongClock => "wrong_clock",
            Self::WrongContext => "wrong_context",
            Self::LevelTooLow => "level_too_low",
            Self::OtherSource => "other_source",
            Self::Unresolved => "unresolved",
            Self::NoInterface => "no_interface",
        }
    }
}

/// One column of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// The part of the device: empty for the device itself, `if:3` for the interface of ifIndex 3.
    pub object: String,
    /// `snake_case`, base unit last: `if_in_octets_total`, `sys_uptime_seconds`.
    pub metric: String,
    pub kind: MetricKind,
    pub unit: Unit,
    /// A gauge's value is `raw * 10^exponent` of `unit`; 0 for counters and states.
    pub exponent: i8,
}

/// Content address of a [`Schema`]: the low 63 bits of a BLAKE3 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub i64);

/// What the columns of one group's poll mean. Devices of the same shape share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    pub group: Group,
    pub columns: Vec<Column>,
}

impl Schema {
    /// The id agent and collector both derive from the content.
    #[must_use]
    pub fn id(&self) -> SchemaId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"farwatch schema 1");
        hasher.update(&[self.group as u8]);
        for column in &self.columns {
            for name in [&column.object, &column.metric] {
                hasher.update(&(name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes());
            }
            hasher.update(&[column.kind as u8, column.unit as u8, column.exponent.cast_unsigned()]);
        }
        let mut low = [0u8; 8];
        low.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        SchemaId((u64::from_le_bytes(low) & (u64::MAX >> 1)).cast_signed())
    }
}

/// One poll of one group of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub device: DeviceId,
    pub group: Group,
    pub schema: SchemaId,
    /// Event time: when the agent had the answer.
    pub at: Micros,
    /// Set when the poll failed as a whole; `values` is then empty.
    pub cause: Option<Cause>,
    /// As many as the schema has columns; `None` where the device gave no value.
    pub values: Vec<Option<i64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(object: &str, metric: &str) -> Column {
        Column {
            object: object.into(),
            metric: metric.into(),
            kind: MetricKind::Counter64,
            unit: Unit::Bytes,
            exponent: 0,
        }
    }

    #[test]
    fn the_schema_id_follows_the_content() {
        let schema = Schema {
            group: Group::Interfaces,
            columns: vec![column("if:1", "if_in_octets_total")],
        };
        let mut other = schema.clone();
        assert_eq!(schema.id(), other.id());
        assert!(schema.id().0 >= 0);
        other.columns[0].exponent = -1;
        assert_ne!(schema.id(), other.id());
        // Moving a letter across the border of two names is another schema.
        let shifted = Schema {
            group: Group::Interfaces,
            columns: vec![column("if:1i", "f_in_octets_total")],
        };
        assert_ne!(schema.id(), shifted.id());
    }

    #[test]
    fn wire_numbers_round_trip() {
        for class in Class::ALL {
            assert_eq!(Class::from_wire(class as u32), Some(class));
        }
        for number in 0..=255 {
            assert_eq!(Unit::from_wire(number).map_or(number, |unit| unit as u32), number);
            assert_eq!(Cause::from_wire(number).map_or(number, |cause| cause as u32), number);
        }
    }
}
