//! One mail over one connection of SMTP, receiver by receiver: one that the server does not take keeps
//! no other from being told.

use lettre::address::{Address, Envelope};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};

use super::{Mail, ended};
use crate::notify::core::{Attempt, Outcome};

/// Receivers that a detail names.
const NAMED_MAX: usize = 3;

/// What the server said of the receivers.
#[derive(Debug, Default)]
struct Said {
    taken: Vec<Address>,
    /// For good, with the code.
    refused: Vec<(Address, u16)>,
    /// For now.
    later: Vec<(Address, u16)>,
}

/// Sends the mail to each receiver that the server takes. Those that it does not take for now are
/// left for the next attempt.
pub(super) async fn tell(connection: &mut AsyncSmtpConnection, mail: &Mail) -> Attempt {
    let (envelope, bytes) = (mail.envelope(), mail.formatted());
    let told = async {
        let parameters = parameters(connection, envelope, &bytes)?;
        let from = From::new(envelope.from().cloned(), parameters);
        // A server that does not take the sender takes nothing of this installation: no receiver and
        // no message is to blame.
        connection.command(from).await.map_err(|error| ended(&error))?;
        let said = ask(connection, envelope.to()).await.map_err(|error| ended(&error))?;
        if !said.taken.is_empty() {
            let sent = async {
                connection.command(Data).await?;
                connection.message(&bytes).await
            };
            sent.await.map_err(|error| Attempt {
                permanent: error.is_permanent() && said.later.is_empty(),
                ..ended(&error)
            })?;
        }
        Ok(said)
    };
    told.await.map_or_else(|attempt| attempt, Said::attempt)
}

fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: &Envelope,
    bytes: &[u8],
) -> Result<Vec<MailParameter>, Attempt> {
    let server = connection.server_info();
    let lacks = |detail: &str| Err(Attempt::new(Outcome::Refused, detail));
    let mut parameters = Vec::new();
    if envelope.to().iter().chain(envelope.from()).any(|address| !is_ascii(address)) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return lacks("the mail server takes no addresses beyond ASCII");
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !bytes.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return lacks("the mail server takes no text beyond ASCII");
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

fn is_ascii(address: &Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}

async fn ask(connection: &mut AsyncSmtpConnection, to: &[Address]) -> Result<Said, SmtpError> {
    let mut said = Said::default();
    for address in to {
        match connection.command(Rcpt::new(address.clone(), Vec::new())).await {
            Ok(_) => said.taken.push(address.clone()),
            Err(error) => match error.status() {
                Some(code) if error.is_permanent() => {
                    said.refused.push((address.clone(), code.into()));
                }
                Some(code) => said.later.push((address.clone(), code.into())),
                None => return Err(error),
            },
        }
    }
    Ok(said)
}

impl Said {
    fn attempt(self) -> Attempt {
        let not: Vec<_> = self.refused.iter().chain(&self.later).collect();
        let Some((_, code)) = not.first() else { return Attempt::new(Outcome::Delivered, "") };
        let named: Vec<_> =
            not.iter().take(NAMED_MAX).map(|(to, code)| format!("{to} ({code})")).collect();
        let more = match not.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let detail = format!("the mail server does not take {}{more}", named.join(", "));
        let left: Vec<_> = self.later.iter().map(|(to, _)| to.to_string()).collect();
        let nobody = self.taken.is_empty();
        let outcome = if nobody { Outcome::Refused } else { Outcome::Delivered };
        Attempt {
            status: nobody.then_some(*code),
            permanent: nobody && left.is_empty(),
            left: (!left.is_empty()).then_some(left),
            ..Attempt::new(outcome, detail)
        }
    }
}
