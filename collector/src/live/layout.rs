//! Core: what the columns of a schema mean to the live state. Small, as one is kept for every
//! schema of every tenant.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::sample::{Column, Group, MetricKind, Schema, Unit};

use crate::store::series::UPTIME_METRIC;

/// Objects of [`Group::Interfaces`] are called `if:` and the ifIndex.
const INTERFACE_OBJECT: &str = "if:";
/// Told by the agent beside the answers: the time a device took to answer.
const RTT_METRICS: [&str; 2] = ["snmp_rtt_seconds", "icmp_rtt_seconds"];

/// Where a value stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub column: u16,
    pub kind: MetricKind,
    pub exponent: i8,
}

/// What an interface is watched for. The numbers index [`InterfacePlaces::places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    InOctets,
    OutOctets,
    InUnicast,
    OutUnicast,
    InMulticast,
    OutMulticast,
    InBroadcast,
    OutBroadcast,
    InErrors,
    OutErrors,
    InDiscards,
    OutDiscards,
    AdminStatus,
    OperStatus,
}

/// How many roles there are.
pub const ROLES: usize = 14;
/// Metric of each role, in order.
const ROLE_METRICS: [&str; ROLES] = [
    "if_in_octets_total",
    "if_out_octets_total",
    "if_in_unicast_packets_total",
    "if_out_unicast_packets_total",
    "if_in_multicast_packets_total",
    "if_out_multicast_packets_total",
    "if_in_broadcast_packets_total",
    "if_out_broadcast_packets_total",
    "if_in_errors_total",
    "if_out_errors_total",
    "if_in_discards_total",
    "if_out_discards_total",
    "if_admin_status",
    "if_oper_status",
];

/// The values of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfacePlaces {
    pub index: u32,
    pub places: [Option<Place>; ROLES],
}

impl InterfacePlaces {
    #[must_use]
    pub fn place(&self, role: Role) -> Option<Place> {
        self.places.get(role as usize).copied().flatten()
    }
}

/// What a burst of echo requests tells, beside the round trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingPlaces {
    pub up: Option<Place>,
    pub loss: Option<Place>,
    pub jitter: Option<Place>,
    pub unreachable: Option<Place>,
}

/// A value of an object that is shown by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPlace {
    pub object: Box<str>,
    pub metric: Box<str>,
    pub unit: Unit,
    pub place: Place,
}

/// Kinds of objects by which a table is known again: tables are compared with each other.
const KINDS_MAX: usize = 16;

/// A schema, read for the live state and for checking rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub group: Group,
    pub columns: usize,
    pub snmp_up: Option<Place>,
    pub uptime: Option<Place>,
    pub rtt: Option<Place>,
    pub ping: PingPlaces,
    /// In order of their indexes.
    pub interfaces: Box<[InterfacePlaces]>,
    /// Of processors, memory, disks and sensors: all columns.
    pub objects: Box<[NamedPlace]>,
    /// What stands before the colon of their names; the first [`KINDS_MAX`].
    kinds: Box<[Box<str>]>,
}

impl Layout {
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let mut interfaces: BTreeMap<u32, [Option<Place>; ROLES]> = BTreeMap::new();
        let mut layout = Self {
            group: schema.group,
            columns: schema.columns.len(),
            snmp_up: None,
            uptime: None,
            rtt: None,
            ping: PingPlaces::default(),
            interfaces: Box::default(),
            objects: Box::default(),
            kinds: Box::default(),
        };
        if matches!(schema.group, Group::Host | Group::Sensors) {
            layout.objects = (0u16..).zip(&schema.columns).map(named).collect();
            let kinds: BTreeSet<&str> =
                layout.objects.iter().filter_map(|named| named.object.split(':').next()).collect();
            layout.kinds = kinds.into_iter().take(KINDS_MAX).map(Box::from).collect();
            return layout;
        }
        for (number, column) in (0u16..).zip(&schema.columns) {
            let place = Place { column: number, kind: column.kind, exponent: column.exponent };
            match column.metric.as_str() {
                "snmp_up" => layout.snmp_up = Some(place),
                UPTIME_METRIC => layout.uptime = Some(place),
                rtt if RTT_METRICS.contains(&rtt) => layout.rtt = layout.rtt.or(Some(place)),
                // Of a burst of echo requests.
                "icmp_up" => layout.ping.up = Some(place),
                "icmp_loss_percent" => layout.ping.loss = Some(place),
                "icmp_jitter_seconds" => layout.ping.jitter = Some(place),
                "icmp_unreachable" => layout.ping.unreachable = Some(place),
                _ => {
                    if let Some((index, role)) = interface_role(column)
                        && let Some(slot) = interfaces.entry(index).or_default().get_mut(role)
                    {
                        *slot = Some(place);
                    }
                }
            }
        }
        layout.interfaces = interfaces
            .into_iter()
            .map(|(index, places)| InterfacePlaces { index, places })
            .collect();
        layout
    }

    /// Whether both are the same table of a device, before and after objects came or went: a group
    /// may be read from some, each with objects of its own kinds (`cpu:1` and `cpu:2` are of one).
    pub(crate) fn is_same_table(&self, other: &Self) -> bool {
        let shares_kinds = || self.kinds.iter().any(|kind| other.kinds.contains(kind));
        let none = self.kinds.is_empty() && other.kinds.is_empty();
        self.group == other.group && (none || shares_kinds())
    }

    /// Bytes it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let names = |one: &NamedPlace| one.object.len() + one.metric.len();
        size_of::<Self>()
            + size_of_val(&*self.interfaces)
            + size_of_val(&*self.objects)
            + self.objects.iter().map(names).sum::<usize>()
            + self.kinds.iter().map(|kind| size_of_val(kind) + kind.len()).sum::<usize>()
    }
}

fn named((number, column): (u16, &Column)) -> NamedPlace {
    NamedPlace {
        object: column.object.as_str().into(),
        metric: column.metric.as_str().into(),
        unit: column.unit,
        place: Place { column: number, kind: column.kind, exponent: column.exponent },
    }
}

fn interface_role(column: &Column) -> Option<(u32, usize)> {
    let index = column.object.strip_prefix(INTERFACE_OBJECT)?.parse().ok()?;
    let role = ROLE_METRICS.iter().position(|metric| *metric == column.metric)?;
    Some((index, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_find_their_roles() {
        let column = |object: &str, metric: &str| Column {
            object: object.into(),
            metric: metric.into(),
            kind: MetricKind::Counter64,
            unit: Unit::Bytes,
            exponent: 0,
        };
        let columns = vec![
            column("if:9", "if_out_octets_total"),
            column("if:2", "if_oper_status"),
            column("if:2", "a_metric_of_tomorrow"),
            column("if:x", "if_oper_status"),
        ];
        let layout = Layout::new(&Schema { group: Group::Interfaces, columns });
        let indexes: Vec<u32> = layout.interfaces.iter().map(|places| places.index).collect();
        assert_eq!(indexes, [2, 9]);
        assert_eq!(layout.interfaces[0].place(Role::OperStatus).map(|place| place.column), Some(1));
        assert_eq!(layout.interfaces[1].place(Role::OutOctets).map(|place| place.column), Some(0));
        assert_eq!(layout.interfaces[1].place(Role::InOctets), None);
    }
}
