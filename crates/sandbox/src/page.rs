//! The page at `/sandbox`: phones, the state of both providers, the log, and what breaks them. It is made of
//! plain files that call the control API as any program would; nothing is built and nothing is fetched from
//! elsewhere.

use hyper::Method;
use hyper::body::Bytes;

use crate::http::{Reply, Request};

/// What the page shows comes from strangers' programs: no script runs but the page's own files.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DATA: &str = "application/json";
const PICTURE: &str = "image/svg+xml";

/// A file of the page: its path below `/sandbox/`, type and content.
type File = (&'static str, &'static str, &'static str);

macro_rules! file {
    ($name:literal, $kind:expr) => {
        (concat!("assets/", $name), $kind, include_str!(concat!("page/", $name)))
    };
}

const FILES: &[File] = &[
    ("", HTML, include_str!("page/index.html")),
    file!("icon.svg", PICTURE),
    file!("style.css", STYLE),
    file!("parts.css", STYLE),
    file!("phones.css", STYLE),
    file!("views.css", STYLE),
    file!("narrow.css", STYLE),
    file!("api.mjs", SCRIPT),
    file!("attempt.mjs", SCRIPT),
    file!("breaking.mjs", SCRIPT),
    file!("breaks.mjs", SCRIPT),
    file!("call.mjs", SCRIPT),
    file!("conversation.mjs", SCRIPT),
    file!("dom.mjs", SCRIPT),
    file!("i18n.mjs", SCRIPT),
    file!("icons.mjs", SCRIPT),
    file!("insight.mjs", SCRIPT),
    file!("log.mjs", SCRIPT),
    file!("main.mjs", SCRIPT),
    file!("people.mjs", SCRIPT),
    file!("phones.mjs", SCRIPT),
    file!("providers.mjs", SCRIPT),
    file!("scenarios.mjs", SCRIPT),
    file!("store.mjs", SCRIPT),
    file!("texting.mjs", SCRIPT),
    file!("time.mjs", SCRIPT),
    file!("texts/en.json", DATA),
    file!("texts/fr.json", DATA),
    ("assets/scenarios/clinic.json", DATA, include_str!("../scenarios/clinic.json")),
    ("assets/scenarios/load.json", DATA, include_str!("../scenarios/load.json")),
];

/// The file that a request asks for, if it asks for one of the page.
pub(crate) fn serve(request: &Request, path: &str) -> Option<Reply> {
    let (_, kind, content) = FILES.iter().find(|(at, ..)| *at == path)?;
    if request.method != Method::GET {
        return None;
    }
    let reply = Reply::new(200, kind, Bytes::from_static(content.as_bytes()))
        // The next start may be another version.
        .with("cache-control", "no-cache")
        .with("content-security-policy", POLICY)
        .with("referrer-policy", "no-referrer")
        .with("x-content-type-options", "nosniff");
    Some(reply)
}
