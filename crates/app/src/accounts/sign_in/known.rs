//! Browsers that signed somebody in before. They show a cookie for it, and keep a way in when strangers try.

use crate::accounts::Device;
use crate::credentials::{digest, random_secret};
use crate::start::App;
use crate::vault::Place;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialtone_domain::{ExposeSecret, SecretString};
use dialtone_store::keys::Sealed;

/// How the names of cookies begin that say which person a browser has signed in before.
pub const DEVICE_COOKIE: &str = "dialtone_device_";

/// The cookie that says that this browser signed this person in.
pub struct KnownCookie {
    /// Its name, the same for the same person.
    pub name: String,
    /// Its value: a random name of the device, sealed for the person.
    pub value: SecretString,
}

impl App {
    /// The random name of the device, if it signed in the person with this e-mail address before.
    pub(super) async fn known_device(&self, device: &Device, email: &str) -> Option<String> {
        if device.known.is_empty() {
            return None;
        }
        let key = self.instance_key().await.ok()?;
        device.known.iter().find_map(|cookie| {
            let sealed = Sealed::stored(URL_SAFE_NO_PAD.decode(cookie.expose_secret()).ok()?);
            Some(key.open(place(email), &sealed).ok()?.expose_secret().to_owned())
        })
    }

    /// The cookie for a device that has just signed this person in; none while the keys are sealed.
    pub(super) async fn remember_device(&self, device: &Device, email: &str) -> Option<KnownCookie> {
        let known = self.known_device(device, email).await;
        let name = known.map_or_else(random_secret, SecretString::from);
        let sealed = self.instance_key().await.ok()?.seal(place(email), &name);
        let person = URL_SAFE_NO_PAD.encode(&digest(email)[..6]);
        let value = URL_SAFE_NO_PAD.encode(sealed.as_bytes()).into();
        Some(KnownCookie { name: format!("{DEVICE_COOKIE}{person}"), value })
    }
}

/// Only we can seal, and only for this person.
fn place(email: &str) -> Place<'_> {
    Place { table: "devices", row: email, field: "cookie" }
}
