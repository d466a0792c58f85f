//! Twilio's requests: cases T01 to T06.

use super::{ALERTS, EMPTY, Form, SMS, STATUS, Twilio, VOICE, count, form, pairs, rows, sid, tape, text};
use crate::matrix::objects::Organisation;
use dialtone_domain::Code;
use dialtone_testkit::{
    ACCOUNT, Engine, FRENCH, NUMBER, TOKEN, TestServer, on_each_engine, twilio_signature,
};
use reqwest::Method;
use serde_json::json;

/// Every way in which a request is not what Twilio signed: its name, its fields, and its headers of signature.
fn forgeries(twilio: &Twilio, good: &Form) -> Vec<(String, Form, Vec<String>)> {
    let signature = twilio.signature(SMS, good);
    let by = |token: &str, url: &str| twilio_signature(token, url, &pairs(good));
    let here = format!("{}{SMS}", twilio.base);
    let mut all: Vec<(String, Form, Vec<String>)> = vec![
        ("no signature".into(), good.clone(), vec![]),
        ("two signatures".into(), good.clone(), vec![signature.clone(), signature.clone()]),
        ("a wrong one and the right one".into(), good.clone(), vec!["x".into(), signature.clone()]),
    ];
    let values = [
        String::new(),
        " ".into(),
        "x".into(),
        "null".into(),
        signature[1..].into(),
        signature[..signature.len() - 1].into(),
        signature[..14].into(),
        format!("{signature}="),
        format!("={signature}"),
        format!("{signature},{signature}"),
        format!("sha1={signature}"),
        signature.to_uppercase(),
        signature.to_lowercase(),
        signature.chars().rev().collect(),
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
        TOKEN.into(),
        ACCOUNT.into(),
        by("", &here),
        by("12345", &here),
        by(ACCOUNT, &here),
        by(&TOKEN.to_uppercase(), &here),
        by(&TOKEN[1..], &here),
        by(&format!("{TOKEN} "), &here),
        by(TOKEN, &format!("{here}/")),
        by(TOKEN, &format!("{here}?a=b")),
        by(TOKEN, &format!("{here}#rc=3")),
        by(TOKEN, &here.replace("http:", "https:")),
        by(TOKEN, &here.replace("127.0.0.1", "localhost")),
        by(TOKEN, &here.replace("/sms", "/SMS")),
        by(TOKEN, &format!("{}{STATUS}", twilio.base)),
        by(TOKEN, SMS),
        by(TOKEN, ""),
        twilio_signature(TOKEN, &here, &[]),
    ];
    all.extend(values.into_iter().map(|value| (format!("signed {value:.40}"), good.clone(), vec![value])));
    for index in 0..good.len() {
        let mut other = good.clone();
        other[index].1.push('x');
        all.push((format!("another {}", good[index].0), other, vec![signature.clone()]));
        let mut less = good.clone();
        less.remove(index);
        all.push((format!("without {}", good[index].0), less, vec![signature.clone()]));
    }
    for more in
        [("New", "field"), ("Body", "another"), ("To", FRENCH), ("AccountSid", ""), ("body", ""), ("", "x")]
    {
        let mut form = good.clone();
        form.push((more.0.to_owned(), more.1.to_owned()));
        all.push((format!("with {}", more.0), form, vec![signature.clone()]));
    }
    all
}

on_each_engine! {
    async fn t01_what_twilio_did_not_sign_is_refused_and_changes_nothing(world: TestServer) {
        world.import().await;
        let twilio = Twilio::new(&world, TOKEN);
        let good = text(1, ACCOUNT, NUMBER);
        let forgeries = forgeries(&twilio, &good);
        assert!(forgeries.len() >= 60, "{}", forgeries.len());
        let before = rows(&world);
        let mut answers = std::collections::BTreeSet::new();
        for (what, form, signatures) in &forgeries {
            let mut headers = vec![("x-request-id", "same")];
            headers.extend(signatures.iter().map(|signature| ("x-twilio-signature", signature.as_str())));
            let answer = twilio.send_with(SMS, form, &headers).await;
            assert_eq!((answer.status, answer.code()), (403, "webhook_refused"), "{what}");
            assert!(!answer.text.contains("suite free") && !answer.text.contains("5552671"), "{}", answer.text);
            answers.insert(answer.text);
        }
        assert_eq!(answers.len(), 1, "one answer, whatever is wrong");
        assert_eq!(rows(&world), before);
        // The twin: the same request as Twilio sends it.
        let answer = twilio.send(SMS, &good).await.expect(200);
        assert_eq!((answer.text.as_str(), answer.header("content-type")), (EMPTY, "text/xml"));
        assert_eq!(count(&world, "inbound"), before["inbound"].len() + 1);
    }

    async fn t01_every_address_of_twilios_asks_for_the_signature(world: TestServer) {
        world.import().await;
        let twilio = Twilio::new(&world, TOKEN);
        for (path, fields) in [
            (SMS, text(1, ACCOUNT, NUMBER)),
            ("/inbox/webhooks/sms/fallback", text(2, ACCOUNT, NUMBER)),
            (STATUS, form(&[("MessageSid", &sid("SM", 3)), ("MessageStatus", "sent"), ("AccountSid", ACCOUNT), ("From", NUMBER), ("To", FRENCH)])),
            (STATUS, form(&[("CallSid", &sid("CA", 3)), ("CallStatus", "completed"), ("AccountSid", ACCOUNT), ("From", FRENCH), ("To", NUMBER), ("Direction", "inbound")])),
            (VOICE, form(&[("CallSid", &sid("CA", 4)), ("CallStatus", "ringing"), ("AccountSid", ACCOUNT), ("From", FRENCH), ("To", NUMBER), ("Direction", "inbound")])),
            (ALERTS, form(&[("Sid", &sid("NO", 5)), ("Level", "ERROR"), ("AccountSid", ACCOUNT), ("Payload", "{}")])),
        ] {
            twilio.send_with(path, &fields, &[]).await.problem(403, "webhook_refused");
            twilio.send_with(path, &fields, &[("x-twilio-signature", "x")]).await.problem(403, "webhook_refused");
            Twilio::new(&world, "another token of thirty-two chars").send(path, &fields).await.problem(403, "webhook_refused");
            let answer = twilio.send(path, &fields).await.expect(200);
            assert_eq!(answer.header("content-type"), "text/xml", "{path}");
            assert!(answer.text.ends_with("</Response>"), "{}", answer.text);
            assert_eq!(answer.text.contains("<Say language=\"en-US\">") && answer.text.contains("<Hangup/>"), path == VOICE, "{}", answer.text);
        }
        assert_eq!(count(&world, "inbound"), 6);
    }

    async fn t01_t06_a_flood_of_refused_requests_fills_nothing(world: TestServer) {
        world.import().await;
        let twilio = Twilio::new(&world, "another token of thirty-two chars");
        let before = rows(&world);
        for number in 0..300 {
            twilio.send(SMS, &text(number, ACCOUNT, NUMBER)).await.problem(403, "webhook_refused");
            twilio.send(SMS, &text(number, &sid("AC", number), NUMBER)).await.problem(403, "webhook_refused");
        }
        assert_eq!(rows(&world), before);
        let kept = count(&world, "tape");
        assert!((200..=450).contains(&kept), "{kept}");
        let metrics = world.nobody().get("/metrics").await.expect(200).text;
        let unkept = metrics.lines().find(|line| line.contains("refused_unkept") && line.contains("twilio")).unwrap();
        assert!(unkept.rsplit(' ').next().unwrap().parse::<usize>().unwrap() >= 150, "{unkept}");
        // The twin: whoever is believed is heard all the same.
        Twilio::new(&world, TOKEN).send(SMS, &text(1, ACCOUNT, NUMBER)).await.expect(200);
    }

    async fn t04_what_comes_again_has_no_second_effect_whatever_unsigned_changes(world: TestServer) {
        world.import().await;
        let twilio = Twilio::new(&world, TOKEN);
        let many = if std::env::var_os("DIALTONE_TEST_LONG").is_some() { 1000 } else { 60 };
        let nodes = [world.app.clone(), world.node().await];
        let captured: Vec<Form> = (0..many).map(|number| text(number, ACCOUNT, NUMBER)).collect();
        for form in &captured {
            twilio.send(SMS, form).await.expect(200);
        }
        let rows_before = rows(&world);
        assert_eq!(rows_before["inbound"].len(), many);
        for (index, form) in captured.iter().enumerate() {
            let signature = twilio.signature(SMS, form);
            let token = format!("{index:032}");
            let headers = [("x-twilio-signature", signature.as_str()), ("i-twilio-idempotency-token", &token), ("user-agent", "curl")];
            let answer = twilio.send_with(SMS, form, &headers).await.expect(200);
            assert_eq!(answer.text, EMPTY);
            // The same to each node on each of the next days.
            for (day, node) in (1..=6).zip(nodes.iter().cycle()) {
                let reply = node.receive(incoming(form, &signature, day * 5)).await.unwrap();
                assert_eq!(reply, EMPTY);
            }
        }
        assert_eq!(rows(&world), rows_before);
        let entries = tape(&world.owner, "limit=1").await;
        assert_eq!((&entries[0]["repeats"], count(&world, "tape")), (&json!(7), many));
    }

    async fn t28_what_cannot_be_kept_is_asked_for_again(world: TestServer) {
        world.import().await;
        let form = text(1, ACCOUNT, NUMBER);
        let signature = Twilio::new(&world, TOKEN).signature(SMS, &form);
        let before = rows(&world);
        let sealed = world.node_with(|config| config.data_dir.push("without-a-key")).await;
        let closed = world.node().await;
        closed.close().await;
        for (node, code) in [(sealed, Code::Sealed), (closed, Code::StorageUnavailable)] {
            let problem = node.receive(incoming(&form, &signature, 0)).await.unwrap_err();
            assert_eq!((problem.code, problem.code.status()), (code, 503));
        }
        assert_eq!(rows(&world), before);
        world.node().await.receive(incoming(&form, &signature, 0)).await.unwrap();
    }

    async fn t05_account_number_and_token_belong_to_one_organisation(world: TestServer) {
        let ours = Organisation::first(&world, "amsel").await;
        let stranger = world.stranger().await;
        let theirs = Organisation::second(&world, stranger, "kanarienvogel").await;
        let both = [&ours, &theirs];
        let (mut number, mut accepted) = (100, 0);
        let before = [tape(&ours.owner, "outcome=accepted").await.len(), tape(&theirs.owner, "outcome=accepted").await.len()];
        for (path, end) in [(SMS, "To"), (VOICE, "To"), (STATUS, "From")] {
            for (account, line, signer) in (0..8).map(|bits| (bits & 1, bits >> 1 & 1, bits >> 2)) {
                number += 1;
                let (account_sid, phone) = (&both[account].things["account"], &both[line].things["number"]);
                let other = if end == "To" { "From" } else { "To" };
                let kind = if path == VOICE { ("CallSid", sid("CA", number)) } else { ("MessageSid", sid("SM", number)) };
                let status = if path == STATUS { "delivered" } else { "received" };
                let fields = form(&[("AccountSid", account_sid), (end, phone), (other, "+14155550100"), (kind.0, &kind.1), ("MessageStatus", status)]);
                let answer = Twilio::new(&world, &both[signer].things["auth_token"]).send(path, &fields).await;
                let diagonal = account == line && line == signer;
                assert_eq!(answer.status, if diagonal { 200 } else { 403 }, "{path} {account}{line}{signer}: {}", answer.text);
                accepted += usize::from(diagonal);
            }
        }
        assert_eq!((accepted, count(&world, "inbound")), (6, 6));
        for (organisation, before) in both.iter().zip(before) {
            let entries = tape(&organisation.owner, "outcome=accepted&limit=100").await;
            assert_eq!(entries.len(), before + 3);
            assert!(entries.iter().all(|entry| entry["line_id"] == json!(organisation.things["line"])), "{entries:?}");
        }
    }

    async fn t06_who_is_unknown_is_answered_like_who_is_wrong(world: TestServer) {
        let line = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let stranger = Twilio::new(&world, "another token of thirty-two chars");
        let mut heard = std::collections::BTreeSet::new();
        for (account, to) in [(ACCOUNT, NUMBER), (ACCOUNT, "+14155550199"), (&sid("AC", 1), NUMBER), (&sid("AC", 1), "+14155550199"), ("AC1", NUMBER)] {
            let form = text(1, account, to);
            for signature in ["", "x", &stranger.signature(SMS, &form)] {
                let answer = stranger.send_with(SMS, &form, &[("x-twilio-signature", signature), ("x-request-id", "same")]).await;
                let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| *name != "date").map(|(name, value)| format!("{name}: {value:?}")).collect();
                heard.insert((answer.status, headers, answer.text));
            }
        }
        // The account's own token says no more of a number that is not there, or not its own.
        let answer = Twilio::new(&world, TOKEN).send_with(SMS, &text(1, ACCOUNT, "+14155550199"), &[("x-request-id", "same"), ("x-twilio-signature", &Twilio::new(&world, TOKEN).signature(SMS, &text(1, ACCOUNT, "+14155550199")))]).await;
        assert!(heard.iter().all(|(status, _, text)| (*status, text) == (answer.status, &answer.text)));
        assert_eq!(heard.len(), 1, "{heard:?}");
        let mut heard = std::collections::BTreeSet::new();
        let body = json!({ "message": { "type": "status-update", "status": "ended" } });
        for line in [line.as_str(), "01890000-0000-7000-8000-000000000000", "nonsense"] {
            for secret in ["", "x", "a secret of quite some length"] {
                let client = world.nobody().with("x-vapi-secret", secret).with("x-request-id", "same");
                let answer = client.post(&format!("/webhooks/vapi/{line}"), body.clone()).await;
                heard.insert((answer.status, answer.text));
            }
        }
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard.iter().all(|(status, _)| *status == 401));
    }

    async fn e2_a_text_of_the_sandboxes_is_kept_and_answered(world: TestServer) {
        world.import().await;
        let hook = format!("{}{SMS}", world.url());
        world.sandbox.change_twilio_number(NUMBER, &[("SmsUrl", &hook), ("StatusCallback", &format!("{}{STATUS}", world.url()))]).await;
        let sent = json!({ "from": "+14155550100", "to": NUMBER, "body": "Is it free? 👍 & more" });
        let sent = world.sandbox.control("messages", sent).await;
        assert_eq!(sent["deliveries"][0]["status"], 200, "{sent}");
        let entries = tape(&world.owner, "route=sms&outcome=accepted").await;
        assert_eq!(entries.len(), 1);
        assert_eq!((&entries[0]["about"]["message"], &entries[0]["about"]["to"]), (&sent["message_sid"], &json!("…2671")));
        // A call that Vapi does not answer is taken by the fallback, in words.
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", &format!("{}{VOICE}", world.url()))]).await;
        let call = world.sandbox.call(NUMBER).await;
        assert!(call["heard"].to_string().contains("Nobody can take your call"), "{call}");
        assert_eq!(tape(&world.owner, "route=voice&outcome=accepted").await.len(), 1);
    }

    async fn a10_what_tells_of_trouble_has_the_line_looked_at(world: TestServer) {
        let line = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/lines/{line}");
        let looked = async || world.owner.get(&path).await.expect(200).body["line"]["checked_at"].to_string();
        let failed = |status: &str, number| form(&[
            ("CallSid", &sid("CA", number)), ("CallStatus", status), ("AccountSid", ACCOUNT), ("From", "+14155550100"),
            ("To", NUMBER), ("Direction", "inbound"),
        ]);
        let twilio = Twilio::new(&world, TOKEN);
        twilio.send(STATUS, &failed("completed", 1)).await.expect(200);
        let before = looked().await;
        twilio.send(STATUS, &failed("failed", 2)).await.expect(200);
        let mut events = world.app.event_wakeups();
        let again = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while looked().await == before {
                let _ = tokio::time::timeout(std::time::Duration::from_millis(100), events.changed()).await;
            }
        });
        again.await.expect("the line is looked at");
    }

    async fn a_browser_at_such_an_address_is_told_what_it_is(world: TestServer) {
        for path in [SMS, "/inbox/webhooks/sms/fallback", STATUS, VOICE, ALERTS, "/webhooks/vapi/01890000-0000-7000-8000-000000000000"] {
            let answer = world.nobody().get(path).await.expect(200);
            assert!(answer.body["message"].as_str().unwrap().contains("can be reached"), "{}", answer.text);
            let french = world.nobody().with("accept-language", "fr").get(path).await.expect(200);
            assert!(french.body["message"].as_str().unwrap().contains("joignable"), "{}", french.text);
            // Twilio, set to GET by mistake, would text a plain answer to the customer.
            world.nobody().with("x-twilio-signature", "x").get(path).await.problem(405, "method_not_allowed");
        }
        let large = "x".repeat(70_000);
        let request = world.nobody().request(Method::POST, SMS).form(&[("Body", large.as_str())]);
        world.nobody().send(request).await.problem(413, "too_large");
    }
}

/// A request that comes so many days from now.
fn incoming(form: &Form, signature: &str, days: i64) -> dialtone_app::Incoming {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature)];
    dialtone_app::Incoming {
        hook: dialtone_domain::inbound::Hook::Sms,
        named: String::new(),
        target: SMS.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.into_bytes(),
        at: dialtone_app::clock::now() + jiff::SignedDuration::from_hours(24 * days),
    }
}

/// A server behind a proxy, which providers reach at that address.
async fn behind(engine: Engine, public_url: &str) -> Option<TestServer> {
    TestServer::start_with(engine, |config| public_url.clone_into(&mut config.public_url)).await
}

/// What proxies say of a request, and what those say who want to pass for one.
const PROXIES: [&[(&str, &str)]; 8] = [
    &[],
    &[("x-forwarded-proto", "http"), ("x-forwarded-host", "internal:8080")],
    &[("host", "internal.local:3000")],
    &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-port", "8443")],
    &[("forwarded", "for=203.0.113.9;host=evil.example;proto=http")],
    &[("x-forwarded-prefix", "/other"), ("x-original-url", "/evil"), ("x-rewrite-url", "/evil")],
    &[("via", "1.1 proxy"), ("x-real-ip", "203.0.113.9")],
    &[("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https")],
];

/// Texts as Twilio sends them, or may one day.
fn shapes(number: usize) -> Vec<Form> {
    let with = |more: &[(&str, &str)]| {
        let mut fields = text(number, ACCOUNT, NUMBER);
        for (name, value) in more {
            fields.retain(|(known, _)| known != name || *name == "Again");
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        fields
    };
    let long = "é".repeat(1600);
    vec![
        with(&[]),
        with(&[("Body", "")]),
        with(&[("Body", "  blanks at both ends \t ")]),
        with(&[("Body", "two\r\nlines\n")]),
        with(&[("Body", "ñáéíóú 東京 👍🏽 \u{202e}")]),
        with(&[("Body", "a+b=c&d%20e;f'g\"h<i>/?#[]@!$()*,~`")]),
        with(&[("Body", &long)]),
        with(&[("AddedNextYear", "1"), ("addedNextYear", "2"), ("ADDED", "")]),
        with(&[("Again", "b"), ("Again", "a"), ("Again", "b")]),
        with(&[("", "a value without a name"), ("a name with blanks ", "x")]),
        with(&[
            ("NumMedia", "1"),
            ("MediaUrl0", "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"),
            ("MediaContentType0", "image/jpeg"),
        ]),
        with(&[("MessagingServiceSid", "MG00000000000000000000000000000001"), ("OptOutType", "STOP")]),
        with(&[("From", "anonymous"), ("ProfileName", "Zoë"), ("WaId", "14155550100")]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t03_what_twilio_signed_is_believed_behind_any_proxy() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(world) = behind(engine, "https://dialtone.example").await else {
            continue;
        };
        world.import().await;
        let mut number = 0;
        for proxy in PROXIES {
            for base in ["https://dialtone.example", "https://dialtone.example:443"] {
                for index in 0..shapes(0).len() {
                    number += 1;
                    let form = &shapes(number)[index];
                    let twilio = Twilio { base: base.to_owned(), ..Twilio::new(&world, TOKEN) };
                    let signature = twilio.signature(SMS, form);
                    let headers = [proxy, &[("x-twilio-signature", signature.as_str())]].concat();
                    let answer = twilio.send_with(SMS, form, &headers).await;
                    assert_eq!(answer.status, 200, "{proxy:?} {base} {form:?}: {}", answer.text);
                }
            }
        }
        assert!(number >= 200, "{number}");
        assert_eq!(count(&world, "inbound"), number);
        // Whatever a request says of its own address, that is not what counts.
        for (proxy, base) in [
            (PROXIES[1], "http://internal:8080"),
            (PROXIES[2], "http://internal.local:3000"),
            (PROXIES[4], "http://evil.example"),
            (PROXIES[7], "https://evil.example"),
            (PROXIES[0], world.url()),
        ] {
            let form = text(1_000, ACCOUNT, NUMBER);
            let twilio = Twilio { base: base.to_owned(), ..Twilio::new(&world, TOKEN) };
            let signature = twilio.signature(SMS, &form);
            let headers = [proxy, &[("x-twilio-signature", signature.as_str())]].concat();
            let answer = twilio.send_with(SMS, &form, &headers).await;
            assert_eq!(answer.status, 403, "{proxy:?} {base}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t03_a_path_before_ours_a_query_and_a_json_body_are_signed_as_they_are() {
    let Some(world) = behind(Engine::Sqlite, "https://dialtone.example/lines/").await else {
        return;
    };
    world.import().await;
    let at = |base: &str| Twilio { base: base.to_owned(), ..Twilio::new(&world, TOKEN) };
    at("https://dialtone.example/lines").send(SMS, &text(1, ACCOUNT, NUMBER)).await.expect(200);
    at("https://dialtone.example:443/lines").send(SMS, &text(2, ACCOUNT, NUMBER)).await.expect(200);
    at("https://dialtone.example").send(SMS, &text(3, ACCOUNT, NUMBER)).await.problem(403, "webhook_refused");
    let target = format!("{SMS}?line=7&name=%C3%A9%27");
    at("https://dialtone.example/lines").send(&target, &text(4, ACCOUNT, NUMBER)).await.expect(200);
    let legacy = format!("https://dialtone.example/lines{SMS}?line=7&name=%C3%A9'");
    let form = text(5, ACCOUNT, NUMBER);
    let signature = twilio_signature(TOKEN, &legacy, &pairs(&form));
    at("").send_with(&target, &form, &[("x-twilio-signature", &signature)]).await.expect(200);

    let body = json!({ "Sid": sid("NO", 1), "AccountSid": ACCOUNT, "Level": "ERROR" }).to_string();
    let hash = dialtone_testkit::sha256(&body);
    for (sent, status) in [(body.clone(), 200), (format!("{body} "), 403)] {
        let target = format!("{ALERTS}?bodySHA256={hash}");
        let signature = twilio_signature(TOKEN, &format!("https://dialtone.example/lines{target}"), &[]);
        let request = world.nobody().request(Method::POST, &target).header("x-twilio-signature", signature);
        let request = request.header("content-type", "application/json").body(sent);
        assert_eq!(world.nobody().send(request).await.status, status);
    }
}
