//! Mail to several receivers, of which the server does not take all.

use super::smtp::Server;
use super::*;
use crate::notify::core::Attempt;
use crate::notify::send::{Parcel, Sender};
use crate::notify::settings::{Kind, Secrets, Settings};

const TO: [&str; 3] = ["a@farwatch.example", "gone@farwatch.example", "b@farwatch.example"];
const GONE: (&str, &str) = ("RCPT TO:<gone@", "550 nobody of this name");

fn parcel(to: &[&str]) -> Parcel {
    let to = to.iter().map(|&to| to.to_owned()).collect();
    let settings = Settings { to, ..Settings::default() };
    Parcel { kind: Kind::Email, settings, secrets: Secrets::default(), ..world::parcel("") }
}

async fn send(server: &Server, to: &[&str]) -> Attempt {
    let sender = Sender { mailer: Some(server.mailer()), ..world::sender(Guard::default()) };
    sender.send(&parcel(to), farwatch_common::clock::Micros(0)).await
}

#[tokio::test]
async fn one_dead_mailbox_keeps_nobody_else_from_being_told() {
    let server = Server::start().await;
    server.answers(&[GONE]);
    let attempt = send(&server, &TO).await;
    assert_eq!(server.taken(), [[TO[0], TO[2]]]);
    let detail = "the mail server does not take gone@farwatch.example (550)".to_owned();
    assert_eq!((attempt.outcome, attempt.detail), (Outcome::Delivered, detail));
    assert_eq!((attempt.left, attempt.permanent), (None, false));
    // Where it is the only one, nobody was told, nor ever will be.
    let attempt = send(&server, &TO[1..2]).await;
    assert_eq!((attempt.outcome, attempt.status), (Outcome::Refused, Some(550)));
    assert!(attempt.permanent && server.taken().is_empty());
}

#[tokio::test]
async fn who_is_not_taken_for_now_is_left_for_later() {
    let server = Server::start().await;
    server.answers(&[GONE, ("RCPT TO:<b@", "451 come again")]);
    let attempt = send(&server, &TO).await;
    assert_eq!(server.taken(), [[TO[0]]]);
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert_eq!(attempt.left, Some(vec![TO[2].to_owned()]));
    let attempt = send(&server, &TO[1..]).await;
    assert_eq!((attempt.outcome, attempt.permanent), (Outcome::Refused, false));
    assert_eq!(attempt.left, Some(vec![TO[2].to_owned()]));
}

#[tokio::test]
async fn what_is_refused_before_any_receiver_is_tried_again() {
    let server = Server::start().await;
    for (command, answer, status) in [
        ("AUTH", "535 no", 535),
        ("EHLO", "554 no", 554),
        ("MAIL", "550 no such sender", 550),
        ("DATA", "451 later", 451),
    ] {
        server.answers(&[(command, answer)]);
        let attempt = send(&server, &TO).await;
        assert_eq!((attempt.outcome, attempt.status), (Outcome::Refused, Some(status)));
        assert!(!attempt.permanent && attempt.left.is_none(), "{command}: {attempt:?}");
    }
    server.answers(&[("DATA", "554 not this")]);
    assert!(send(&server, &TO).await.permanent);
    assert!(server.taken().is_empty());
}

/// The second attempt is a mail to those alone who did not get the first.
#[tokio::test]
async fn the_next_attempt_is_for_those_who_were_left() {
    let server = Server::start().await;
    server.answers(&[GONE, ("RCPT TO:<b@", "451 come again")]);
    let world = World::mailing(server.mailer()).await;
    let channel = world.email(&TO).await;
    world.route(channel, "info", &[]).await;
    let run = world.run();
    world.transition(7).await;
    world.until(channel, 1).await;
    server.answers(&[GONE]);
    world.pass(Duration::from_secs(6));
    world.courier.nudge().now();
    let told = world.told(channel, "delivered").await;
    assert_eq!(told.len(), 2);
    assert_eq!(server.taken(), [vec![TO[0]], vec![TO[2]]]);
    run.end().await;
}
