//! Mail, by the server that the administrator has set: text and HTML in one message.

mod smtp;

use std::fmt::Write as _;
use std::time::Duration;

use lettre::Message as Mail;
use lettre::address::AddressError;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, Tls as SmtpTls, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::{MAIL_DEADLINE, Parcel, broken, late};
use crate::notify::config::{Encryption, Smtp};
use crate::notify::core::{Attempt, Outcome};
use crate::notify::message::{LINK, Message};
use crate::notify::settings::text;
use farwatch_common::secret::Secret;

/// After the server has said what becomes of the mail.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    #[error("notify.smtp.from is no address of mail")]
    From(#[from] AddressError),
    #[error("TLS to notify.smtp.host cannot be set up")]
    Tls(#[source] SmtpError),
}

/// Knows the mail server. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    server: (String, u16),
    tls: SmtpTls,
    credentials: Option<Credentials>,
    from: Mailbox,
}

impl Mailer {
    /// `roots` are PEM certificates besides those of the system.
    pub fn new(
        smtp: &Smtp,
        password: Option<&Secret>,
        roots: Option<&[u8]>,
    ) -> Result<Self, MailerError> {
        let from: Mailbox = smtp.from.parse()?;
        let parameters = || {
            let mut builder = TlsParameters::builder(smtp.host.clone());
            if let Some(pem) = roots {
                let root = Certificate::from_pem(pem).map_err(MailerError::Tls)?;
                builder = builder.add_root_certificate(root);
            }
            builder.build_rustls().map_err(MailerError::Tls)
        };
        let tls = match smtp.encryption {
            Encryption::Starttls => SmtpTls::Required(parameters()?),
            Encryption::Tls => SmtpTls::Wrapper(parameters()?),
            Encryption::None => SmtpTls::None,
        };
        let credentials = match (&smtp.user, password) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), text(password))),
            _ => None,
        };
        Ok(Self { server: (smtp.host.clone(), smtp.port), tls, credentials, from })
    }

    pub(super) async fn send(&self, parcel: &Parcel) -> Attempt {
        if parcel.settings.to.is_empty() {
            return Attempt::new(Outcome::Delivered, "who was still to be told is no receiver now");
        }
        let Some(mail) = self.mail(parcel) else { return broken("its receivers are no addresses") };
        let exchange = async {
            let mut connection = self.connect().await.map_err(|error| ended(&error))?;
            let sent = smtp::tell(&mut connection, &mail).await;
            Ok((connection, sent))
        };
        match timeout(MAIL_DEADLINE, exchange).await {
            Ok(Ok((mut connection, sent))) => {
                // What the server has said stands, however the goodbye goes.
                let _ = timeout(GOODBYE, connection.abort()).await;
                sent
            }
            Ok(Err(attempt)) => attempt,
            Err(_) => late(MAIL_DEADLINE),
        }
    }

    /// A connection for one mail, signed in. What goes wrong here is the server's or the
    /// administrator's matter, whatever code it has: nothing of it is about a mail or a receiver.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let (hello, server) = (ClientId::default(), (self.server.0.as_str(), self.server.1));
        let wrapper = match &self.tls {
            SmtpTls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let limit = Some(MAIL_DEADLINE);
        let connect = AsyncSmtpConnection::connect_tokio1(server, limit, &hello, wrapper, None);
        let mut connection = connect.await?;
        if let SmtpTls::Required(parameters) = &self.tls {
            connection.starttls(parameters.clone(), &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn mail(&self, parcel: &Parcel) -> Option<Mail> {
        // The same for each attempt: servers and readers know a mail by it.
        let id = format!("<{}@{}>", parcel.key, self.from.email.domain());
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(parcel.message.title())
            .message_id(Some(id));
        for receiver in &parcel.settings.to {
            mail = mail.to(Mailbox::new(None, receiver.parse().ok()?));
        }
        let (text, html) = bodies(&parcel.message);
        mail.multipart(MultiPart::alternative_plain_html(text, html)).ok()
    }
}

/// What the server said is told by its code only: its words are not ours.
fn ended(error: &SmtpError) -> Attempt {
    if let Some(code) = error.status() {
        let code: u16 = code.into();
        let detail = format!("the mail server answered {code}");
        return Attempt { status: Some(code), ..Attempt::new(Outcome::Refused, detail) };
    }
    if error.is_timeout() {
        return Attempt::new(Outcome::Timeout, "the mail server did not answer in time");
    }
    let detail = if error.is_tls() {
        "TLS to the mail server does not come about"
    } else if error.is_client() {
        "the mail server offers no way to sign in that is safe"
    } else {
        "the mail server is not reached"
    };
    Attempt::new(Outcome::Unreachable, detail)
}

fn bodies(message: &Message) -> (String, String) {
    let summary = &message.data.summary;
    let (mut text, mut rows) = (format!("{summary}\n\n"), String::new());
    for (name, value) in message.facts() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name}: {value}");
        let is_link = name == LINK && message.data.url.is_some();
        let (name, value) = (escaped(name), escaped(&value));
        let value = if is_link { format!("<a href=\"{value}\">{value}</a>") } else { value };
        let _ = write!(rows, "<tr><th align=\"left\">{name}</th><td>{value}</td></tr>");
    }
    let html = format!(
        "<!doctype html><html><body><h3>{}</h3><p>{}</p><table>{rows}</table></body></html>",
        escaped(&message.title()),
        escaped(summary)
    );
    (text, html)
}

fn escaped(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    plain.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::notify::message::tests::transition;
    use crate::notify::outbox::Transition;

    #[test]
    fn the_alert_is_a_link_and_no_name_is() {
        let tags = BTreeSet::from(["https://tag.example".to_owned()]);
        let of = transition(7, &tags);
        let named = Transition { object: ("if:1", "https://object.example/\"><b>"), ..of.clone() };
        let (_, html) = bodies(&Message::of(&named));
        assert_eq!(html.matches("<a href=").count(), 1, "{html}");
        assert!(html.contains("<a href=\"https://farwatch.example.net/alerts/alt_"), "{html}");
        assert!(!html.contains("<b>"), "{html}");
        let (_, html) = bodies(&Message::of(&Transition { web: None, ..of }));
        assert!(!html.contains("<a href="), "{html}");
    }
}
