//! Publishes to a broker: MQTT 3.1.1, QoS 1, a connection for each message.
//!
//! The packets are rumqttc's; the connection is ours, so that the guard holds for brokers too.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Disconnect, Packet, Publish};
use rumqttc::mqttbytes::{Error as PacketError, QoS};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{DEADLINE, Parcel, broken, late};
use crate::notify::connect::{Connector, Io};
use crate::notify::core::{Attempt, Outcome};
use crate::notify::guard::Service;
use crate::notify::message::Message;
use crate::notify::settings::{Broker, TOPIC_BYTES_MAX, text};
use crate::notify::target::Target;

/// Largest packet either way; a message has a few kilobytes.
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// After the broker has taken the message.
const GOODBYE: Duration = Duration::from_secs(1);
/// Of the one message of a connection.
const PACKET_ID: u16 = 1;

pub(super) async fn send(connector: &Connector, parcel: &Parcel) -> Attempt {
    let Some(broker) = &parcel.settings.broker else { return broken("it has no broker") };
    let Ok(target) = Target::broker(&broker.host, broker.port, broker.tls) else {
        return broken("its broker has no name that can be asked for");
    };
    let told = timeout(DEADLINE, async {
        let mut stream = connector.open(&target, Service::Mqtt).await?;
        tell(stream.as_mut(), broker, parcel).await?;
        Ok::<_, Attempt>(stream)
    });
    match told.await {
        Ok(Ok(mut stream)) => {
            // Taken is taken, however the goodbye goes.
            let _ = timeout(GOODBYE, goodbye(stream.as_mut())).await;
            Attempt::new(Outcome::Delivered, "")
        }
        Ok(Err(attempt)) => attempt,
        Err(_) => late(DEADLINE),
    }
}

impl From<Ended> for Attempt {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Io => {
                Self::new(Outcome::Unreachable, "the connection ended without an answer of MQTT")
            }
            Ended::Refused(detail) => Self::new(Outcome::Refused, detail),
        }
    }
}

async fn goodbye(stream: &mut dyn Io) -> Result<(), Ended> {
    write(stream, &Packet::Disconnect).await?;
    stream.shutdown().await.map_err(|_| Ended::Io)
}

enum Ended {
    Io,
    Refused(&'static str),
}

async fn tell(stream: &mut dyn Io, broker: &Broker, parcel: &Parcel) -> Result<(), Ended> {
    let mut connect = Connect::new(&parcel.client);
    if let Some(user) = &broker.user {
        let password = parcel.secrets.password.as_ref().map(text).unwrap_or_default();
        connect.set_login(user, password);
    }
    write(stream, &Packet::Connect(connect)).await?;
    let mut buffer = BytesMut::new();
    match read(stream, &mut buffer).await? {
        Packet::ConnAck(ack) => match ack.code {
            ConnectReturnCode::Success => {}
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                return Err(Ended::Refused("the broker refuses the user or the password"));
            }
            _ => return Err(Ended::Refused("the broker refuses the connection")),
        },
        _ => return Err(Ended::Refused("the broker answers with what was not asked")),
    }
    let topic = topic(&broker.topic, &parcel.message);
    let mut publish = Publish::new(topic, QoS::AtLeastOnce, parcel.body.as_bytes());
    publish.pkid = PACKET_ID;
    write(stream, &Packet::Publish(publish)).await?;
    match read(stream, &mut buffer).await? {
        Packet::PubAck(ack) if ack.pkid == PACKET_ID => Ok(()),
        _ => Err(Ended::Refused("the broker answers with what was not asked")),
    }
}

async fn write(stream: &mut dyn Io, packet: &Packet) -> Result<(), Ended> {
    let mut buffer = BytesMut::new();
    match packet {
        Packet::Disconnect => Disconnect.write(&mut buffer).map(drop),
        packet => packet.write(&mut buffer, PACKET_BYTES_MAX).map(drop),
    }
    .map_err(|_| Ended::Refused("the message is too large for a packet"))?;
    stream.write_all(&buffer).await.map_err(|_| Ended::Io)?;
    stream.flush().await.map_err(|_| Ended::Io)
}

async fn read(stream: &mut dyn Io, buffer: &mut BytesMut) -> Result<Packet, Ended> {
    loop {
        match Packet::read(buffer, PACKET_BYTES_MAX) {
            Ok(packet) => return Ok(packet),
            Err(PacketError::InsufficientBytes(_)) => {}
            Err(_) => return Err(Ended::Refused("it does not answer by MQTT")),
        }
        if stream.read_buf(buffer).await.map_err(|_| Ended::Io)? == 0 {
            return Err(Ended::Io);
        }
    }
}

/// The topic of a message. What a name brings along is no level and no wildcard.
fn topic(template: &str, message: &Message) -> String {
    let data = &message.data;
    let level = |text: Option<&str>| -> String {
        let sound = |c: char| if c.is_control() || "/+#".contains(c) { '_' } else { c };
        text.filter(|text| !text.is_empty()).unwrap_or("-").chars().map(sound).collect()
    };
    let name = |thing: &Option<crate::notify::message::Thing>| {
        level(thing.as_ref().map(|thing| thing.name.as_str()))
    };
    let mut topic = template
        .replace("{severity}", &level(data.severity.as_deref()))
        .replace("{event}", message.r#type.word())
        .replace("{site}", &name(&data.site))
        .replace("{device}", &name(&data.device));
    let end = (0..=topic.len().min(TOPIC_BYTES_MAX)).rev().find(|&end| topic.is_char_boundary(end));
    topic.truncate(end.unwrap_or(0));
    topic
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use farwatch_common::id::{DeviceId, SiteId};

    use super::*;
    use crate::notify::message::tests::transition;
    use crate::notify::outbox::Transition;

    #[test]
    fn names_in_a_topic_add_no_level_and_no_wildcard() {
        let tags = BTreeSet::new();
        let of = transition(7, &tags);
        let message = Message::of(&Transition {
            site: (SiteId(5), "a/b#+"),
            device: Some((DeviceId(1), "ü")),
            ..of
        });
        assert_eq!(topic("fw/{site}/{device}/{event}", &message), "fw/a_b__/ü/firing");
        let long = "ü".repeat(400);
        let message =
            Message::of(&Transition { device: Some((DeviceId(1), &long)), ..of_again(&tags) });
        assert_eq!(topic("x/{device}", &message).len(), TOPIC_BYTES_MAX);
        assert_eq!(topic("{severity}", &Message::test("c", message_time())), "-");
    }

    fn of_again(tags: &BTreeSet<String>) -> Transition<'_> {
        transition(8, tags)
    }

    fn message_time() -> farwatch_common::clock::Micros {
        farwatch_common::clock::Micros(0)
    }
}
