//! Mail, by the server that the administrator has set: text and HTML in one message.

use std::fmt::Write as _;

use lettre::address::AddressError;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as SmtpTls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor};

use super::{MAIL_DEADLINE, Parcel, broken};
use crate::notify::config::{Encryption, Smtp};
use crate::notify::core::{Attempt, Outcome};
use crate::notify::message::Message;
use crate::notify::settings::text;
use farwatch_common::secret::Secret;

/// Why mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    #[error("notify.smtp.from is no address of mail")]
    From(#[from] AddressError),
    #[error("TLS to notify.smtp.host cannot be set up")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// Knows the mail server. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
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
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(MAIL_DEADLINE));
        if let (Some(user), Some(password)) = (&smtp.user, password) {
            builder = builder.credentials(Credentials::new(user.clone(), text(password)));
        }
        Ok(Self { transport: builder.build(), from })
    }

    pub(super) async fn send(&self, parcel: &Parcel) -> Attempt {
        let Some(mail) = self.mail(parcel) else { return broken("its receivers are no addresses") };
        match self.transport.send(mail).await {
            Ok(_) => Attempt::new(Outcome::Delivered, ""),
            Err(error) => ended(&error),
        }
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
fn ended(error: &lettre::transport::smtp::Error) -> Attempt {
    if let Some(code) = error.status() {
        let code: u16 = code.into();
        return Attempt {
            status: Some(code),
            permanent: error.is_permanent(),
            ..Attempt::new(Outcome::Refused, format!("the mail server answered {code}"))
        };
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
        let (name, value) = (escaped(name), escaped(&value));
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
