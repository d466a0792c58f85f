//! Mails against a real mail server (aiosmtpd): what arrives, byte by byte, and what the server refuses.

#[path = "../../../testkit/src/smtp.rs"]
#[expect(unreachable_pub, reason = "the file is the testkit's, where it is public")]
mod smtp;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use dialtone_domain::{Code, Problem};
use dialtone_providers::{Gate, Mail, MailConfig, Mailer};
use smtp::MailServer;
use std::process::{Command, Stdio};

fn mailer_of(server: &MailServer, user: &str, query: &str) -> Mailer {
    let url = format!("smtp://{user}127.0.0.1:{}{query}", server.port);
    let config = MailConfig { url: url.into(), from: "Dialtone <dialtone@example.com>".to_owned() };
    Mailer::new(&config, Gate::default()).unwrap()
}

fn mail(to: &str, subject: &str, text: &str) -> Mail {
    Mail { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() }
}

/// Headers unfolded, and the body.
fn parts(raw: &str) -> (Vec<(String, String)>, String) {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = head.lines().map(|line| {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("not a header: {line}"));
        (name.to_ascii_lowercase(), value.to_owned())
    });
    (headers.collect(), body.to_owned())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let mut found = headers.iter().filter(|(known, _)| known == name);
    let value = &found.next().unwrap_or_else(|| panic!("no {name}")).1;
    assert!(found.next().is_none(), "two of {name}");
    value
}

fn quoted_printable(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'=', [high, low, tail @ ..]) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&[*high, *low]).unwrap(), 16).unwrap());
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn decoded(headers: &[(String, String)], body: &str) -> String {
    match header(headers, "content-transfer-encoding") {
        "quoted-printable" => quoted_printable(body),
        "base64" => String::from_utf8(BASE64.decode(body.replace("\r\n", "")).unwrap()).unwrap(),
        _ => body.to_owned(),
    }
}

/// RFC 2047, as far as it is used: words in base64; blanks between two of them do not count.
fn words(value: &str) -> String {
    let joined = value.replace("?= =?", "?==?");
    let (mut text, mut rest) = (String::new(), joined.as_str());
    while let Some((before, word)) = rest.split_once("=?utf-8?b?") {
        let (encoded, after) = word.split_once("?=").unwrap();
        text.push_str(before);
        text.push_str(std::str::from_utf8(&BASE64.decode(encoded).unwrap()).unwrap());
        rest = after;
    }
    text + rest
}

#[tokio::test]
async fn a10_french_text_arrives_as_it_was_written() {
    let Some(mut server) = MailServer::start(&[]) else { return };
    let subject =
        "[Dialtone] Réception — l’accueil ne répond pas, à vérifier dès que possible s’il vous plaît";
    let text = "La ligne « Réception » n’aboutit plus.\n.\nUn point seul, puis une ligne longue : "
        .to_owned()
        + &"é".repeat(1200);
    mailer_of(&server, "", "").send(&mail("owner@example.com", subject, &text)).await.unwrap();
    let (envelope, raw) = server.taken();
    assert_eq!(envelope["from"], "dialtone@example.com");
    assert_eq!(envelope["to"], serde_json::json!(["owner@example.com"]));
    assert!(raw.is_ascii() && raw.lines().all(|line| line.len() <= 998), "{raw}");
    let (headers, body) = parts(&raw);
    assert_eq!(words(header(&headers, "subject")), subject);
    assert_eq!(header(&headers, "from"), "Dialtone <dialtone@example.com>");
    assert_eq!(header(&headers, "to"), "owner@example.com");
    assert_eq!(header(&headers, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&headers, "auto-submitted"), "auto-generated");
    assert!(header(&headers, "message-id").ends_with("@example.com>"), "{headers:?}");
    header(&headers, "date");
    let body = decoded(&headers, &body).replace("\r\n", "\n");
    assert_eq!(body.trim_end(), text);
}

#[tokio::test]
async fn a10_no_header_can_be_slipped_in() {
    let Some(mut server) = MailServer::start(&[]) else { return };
    let mailer = mailer_of(&server, "", "");
    let subject = "one\r\nBcc: thief@example.org\r\n\r\n<h1>two</h1>\u{0}\u{7f}";
    mailer.send(&mail("owner@example.com", subject, "plain")).await.unwrap();
    let (envelope, raw) = server.taken();
    assert_eq!(envelope["to"], serde_json::json!(["owner@example.com"]));
    let (headers, body) = parts(&raw);
    assert!(headers.iter().all(|(name, _)| name != "bcc"), "{raw}");
    assert_eq!(body.trim_end(), "plain");
    for to in ["a@example.com\r\nBcc: thief@example.org", "a@example.com, b@example.com", "", "nobody"] {
        let refused = mailer.send(&mail(to, "subject", "text")).await.unwrap_err();
        assert_eq!(refused.code, Code::MailFailed, "{to}");
    }
    mailer.send(&mail("last@example.com", "last", "text")).await.unwrap();
    let (envelope, _) = server.taken();
    assert_eq!(envelope["to"].as_array().unwrap().len(), 1, "nothing was sent in between: {envelope}");
}

#[tokio::test]
async fn a10_who_may_send_is_the_mail_servers_business() {
    let Some(mut server) = MailServer::start(&["--auth", "me:pass/word"]) else { return };
    let hello = mail("owner@example.com", "hello", "text");
    let refused: Problem = mailer_of(&server, "", "").send(&hello).await.unwrap_err();
    assert_eq!(refused.code, Code::MailFailed);
    let wrong = mailer_of(&server, "me:other@", "").send(&hello).await.unwrap_err();
    assert_eq!((wrong.code, wrong.params.get("status")), (Code::MailFailed, Some("535")));
    mailer_of(&server, "me:pass%2Fword@", "").send(&hello).await.unwrap();
    assert_eq!(server.taken().0["user"], true);
}

#[tokio::test]
async fn a10_refusals_are_told_and_nothing_goes_out_in_the_clear() {
    let arguments = ["--refuse", "gone@example.com", "--defer", "later@example.com"];
    let Some(mut server) = MailServer::start(&arguments) else { return };
    let mailer = mailer_of(&server, "", "");
    for (to, status) in [("gone@example.com", "550"), ("later@example.com", "451")] {
        let refused = mailer.send(&mail(to, "hello", "text")).await.unwrap_err();
        assert_eq!((refused.code, refused.params.get("status")), (Code::MailFailed, Some(status)));
    }
    // A server that offers no TLS gets nothing where TLS is required.
    let wanted =
        mailer_of(&server, "", "?tls=required").send(&mail("owner@example.com", "secret", "text")).await;
    assert_eq!(wanted.unwrap_err().code, Code::MailFailed);
    mailer.send(&mail("owner@example.com", "plain", "text")).await.unwrap();
    assert!(server.taken().1.contains("Subject: plain"), "and the one before never arrived");
}

#[tokio::test]
async fn a10_a_certificate_that_nobody_vouches_for_is_refused() {
    let dir = std::env::temp_dir().join(format!("dialtone-mail-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = |name: &str| dir.join(name).display().to_string();
    let (key, cert) = (path("key.pem"), path("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", &key, "-out", &cert])
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    if let Some(server) = MailServer::start(&["--cert", &cert, "--key", &key]) {
        let refused =
            mailer_of(&server, "", "?tls=required").send(&mail("owner@example.com", "a", "b")).await;
        assert_eq!(refused.unwrap_err().code, Code::MailFailed);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test]
async fn a10_without_a_mail_server_a_mail_fails_and_a_fence_holds_it_back() {
    let config = MailConfig { url: "smtp://127.0.0.1:1".into(), from: "dialtone@example.com".to_owned() };
    let gate = Gate::default();
    let mailer = Mailer::new(&config, gate.clone()).unwrap();
    let hello = mail("owner@example.com", "hello", "text");
    assert_eq!(mailer.send(&hello).await.unwrap_err().code, Code::MailFailed);
    gate.set_open(false);
    assert_eq!(mailer.send(&hello).await.unwrap_err().code, Code::Fenced);
    for url in ["http://x", "smtp://", "nonsense"] {
        let config = MailConfig { url: url.into(), ..config.clone() };
        assert!(Mailer::new(&config, Gate::default()).is_err(), "{url}");
    }
}
