//! E-mail by SMTP, to whichever server the configuration names.

use crate::gate::Gate;
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;

/// How long one mail may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells other programs not to answer (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// How mails leave.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// `smtp://user:password@host:port?tls=required`, `smtps://…`, or `smtp://host:port` without TLS.
    pub url: SecretString,
    /// The sender: `Dialtone <dialtone@example.com>`.
    pub from: String,
}

/// A mail to send: plain text, so that nothing from outside is markup in it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// Sends mails. Clones share everything.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    gate: Gate,
}

impl Mailer {
    /// A mailer for this configuration; nothing is sent.
    ///
    /// # Errors
    /// A sentence for whoever wrote the configuration; it holds no password.
    pub fn new(config: &MailConfig, gate: Gate) -> Result<Self, String> {
        let from = config.from.parse().map_err(|_| "mail_from is not an e-mail address".to_owned())?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.url.expose_secret())
            .map_err(|_| "smtp_url is not an address of a mail server".to_owned())?
            .timeout(Some(PATIENCE))
            .build();
        Ok(Self { transport, from, gate })
    }

    /// Hands a mail to the server; it is on its way when this answers.
    ///
    /// # Errors
    /// [`Code::MailFailed`] where the server refuses it or does not answer; [`Code::Fenced`].
    pub async fn send(&self, mail: &Mail) -> Result<(), Problem> {
        self.gate.check()?;
        let failed = || Problem::new(Code::MailFailed);
        // What begins a new line would begin a new header.
        let subject: String = mail.subject.chars().filter(|char| !char.is_control()).collect();
        // Of the sender's domain, so that the machine's own name is not told.
        let id = format!("<{}@{}>", uuid::Uuid::new_v4(), self.from.email.domain());
        let message = Message::builder()
            .from(self.from.clone())
            .to(mail.to.parse().map_err(|_| failed())?)
            .subject(subject)
            .message_id(Some(id))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|_| failed())?;
        // The error itself may quote the recipient: it is not kept.
        let sent = tokio::time::timeout(PATIENCE, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                Err(failed().with("status", error.status().map(|code| code.to_string()).unwrap_or_default()))
            }
            Err(_) => Err(failed()),
        }
    }
}
