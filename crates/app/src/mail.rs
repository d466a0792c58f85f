//! Mails to people, from the texts `mail.<name>.subject` and `.body`, and the links in them.

use crate::start::App;
use dialtone_domain::{Code, ExposeSecret, Language, Params, Problem, SecretString, text};
use dialtone_providers::Mail;

impl App {
    /// Sends a mail of these texts.
    ///
    /// # Errors
    /// [`Code::MailMissing`] where no mail server is configured; else those of the mailer.
    pub(crate) async fn send_letter(
        &self,
        to: &str,
        language: Language,
        name: &str,
        params: &Params,
    ) -> Result<(), Problem> {
        let mailer = self.inner.mailer.as_ref().ok_or(Code::MailMissing)?;
        let part = |part| text::text(language, &format!("mail.{name}.{part}"), params);
        mailer.send(&Mail { to: to.to_owned(), subject: part("subject"), text: part("body") + "\n" }).await
    }

    /// The address of a page that a secret opens: under the configured public address, whatever a request says.
    pub(crate) fn link(&self, page: &str, secret: &SecretString) -> SecretString {
        let base = self.inner.public_url.trim_end_matches('/');
        format!("{base}/{page}/{}", secret.expose_secret()).into()
    }
}
