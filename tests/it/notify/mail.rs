//! Mail through a real server, with either way of TLS.

use std::path::Path;

use farwatch_support::sinks::authority::Authority;
use farwatch_support::sinks::mail::{MailServer, Tls, python};
use serde_json::json;

use super::{Desk, Told};

const USER: &str = "farwatch";
const PASSWORD: &str = "pass word \u{e9}";

#[tokio::test]
async fn mail_goes_by_starttls_signed_in() {
    goes(Tls::Starttls, "starttls").await;
}

#[tokio::test]
async fn mail_goes_by_tls_from_the_start_signed_in() {
    goes(Tls::FromTheStart, "tls").await;
}

async fn goes(tls: Tls, encryption: &str) {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let own = Authority::new(dir.path(), "own");
    let certified = own.certify(&["127.0.0.1"]);
    let mut server = MailServer::start(python, tls, &certified, (USER, PASSWORD)).await;
    let password = dir.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let smtp = smtp(server.port, encryption, &password);
    let trusting = format!("[notify]\nca_file = {:?}\n{smtp}", own.file);
    let mut desk = Desk::start(dir.path(), &trusting).await;
    let to = ["noc@farwatch.example", "second@farwatch.example"];
    let channel = desk.channel("email", "noc", json!({ "to": to })).await;

    let (id, told) = desk.test(&channel).await;
    assert_eq!(told, Told::new("delivered", None, ""));
    let mail = server.next().await;
    assert_eq!((&mail["tls"], &mail["signed_in"]), (&json!(true), &json!(true)));
    assert_eq!((&mail["from"], &mail["to"]), (&json!("fw@farwatch.example"), &json!(to)));
    let text = mail["text"].as_str().unwrap();
    for wanted in [
        format!("Message-ID: <{id}@farwatch.example>"),
        "Subject: Farwatch: test".to_owned(),
        "text/plain".to_owned(),
        "text/html".to_owned(),
    ] {
        assert!(text.contains(&wanted), "no {wanted:?} in {text}");
    }

    // A password that is wrong, and a server that nothing vouches for.
    std::fs::write(&password, "another").unwrap();
    desk.collector.restart_with(&trusting).await;
    let (_, told) = desk.test(&channel).await;
    assert_eq!(told, Told::new("refused", Some(535), "the mail server answered 535"));
    std::fs::write(&password, PASSWORD).unwrap();
    desk.collector.restart_with(&smtp).await;
    let (_, told) = desk.test(&channel).await;
    assert_eq!(told.outcome, "unreachable", "{told:?}");
}

fn smtp(port: u16, encryption: &str, password: &Path) -> String {
    format!(
        "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nencryption = {encryption:?}\n\
         from = \"Farwatch <fw@farwatch.example>\"\nuser = {USER:?}\npassword_file = {password:?}\n"
    )
}
