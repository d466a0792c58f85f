//! The page for people, and who may use the control API from a browser.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::lab::{Lab, answer};

#[tokio::test]
async fn the_page_and_each_of_its_files_are_there_with_a_strict_policy() {
    let lab = Lab::new().await;
    let page = lab.request("GET", "/sandbox").send().await.unwrap();
    assert_eq!(page.status(), 200);
    guarded(page.headers(), "text/html; charset=utf-8");
    let page = page.text().await.unwrap();
    assert!(page.contains("POST /sandbox/calls"), "what it is, for those without scripts");
    assert!(!page.contains("<script>") && !page.contains("style="), "nothing inline");
    let mut wanted: Vec<String> = named(&page, "/sandbox/assets/");
    let mut seen = 0;
    while let Some(file) = wanted.get(seen).cloned() {
        seen += 1;
        let answer = lab.request("GET", &format!("/sandbox/assets/{file}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        let kind = match file.rsplit_once('.').unwrap().1 {
            "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "application/json",
        };
        guarded(answer.headers(), kind);
        let text = answer.text().await.unwrap();
        let imported = named(&text, "from \"./").into_iter().filter(|_| kind.starts_with("text/javascript"));
        for name in imported.chain(named(&text, "/sandbox/assets/")) {
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        assert!(!text.contains("innerHTML"), "{file}: what providers' programs send is text");
    }
    assert!(wanted.contains(&"main.mjs".to_owned()), "{wanted:?}");
    assert_eq!(lab.request("GET", "/sandbox/assets/none.mjs").send().await.unwrap().status(), 404);
}

fn guarded(headers: &HeaderMap, kind: &str) {
    assert_eq!(headers["content-type"], kind);
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

/// The names that follow `before` in a text, up to the closing quote.
fn named(text: &str, before: &str) -> Vec<String> {
    text.split(before).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

#[tokio::test]
async fn every_text_is_there_in_both_languages() {
    let lab = Lab::new().await;
    let scripts = [
        "attempt",
        "breaking",
        "call",
        "dom",
        "log",
        "main",
        "phones",
        "providers",
        "scenarios",
        "texting",
        "time",
    ];
    let mut wanted = Vec::new();
    for script in scripts {
        let path = format!("/sandbox/assets/{script}.mjs");
        let text = lab.request("GET", &path).send().await.unwrap().text().await.unwrap();
        wanted.extend(named(&text, " t(\"").into_iter().chain(named(&text, "(t(\"")));
        let counted = named(&text, "tn(\"").into_iter();
        wanted.extend(counted.flat_map(|name| ["one", "other"].map(|form| format!("{name}_{form}"))));
    }
    assert!(wanted.len() > 150, "{}", wanted.len());
    let chapter = include_str!("../../../../docs/sandbox/calls.md");
    let outcomes: Vec<String> =
        chapter.split("| outcome |").nth(1).unwrap().lines().skip(2).map_while(first_cell).collect();
    assert!(outcomes.contains(&"not_found".to_owned()), "{outcomes:?}");
    wanted
        .extend(outcomes.iter().flat_map(|name| ["title", "text"].map(|of| format!("outcome.{name}.{of}"))));
    let (_, settings) = lab.control("GET", "/settings", json!({})).await;
    let groups = settings.as_object().unwrap().iter().map(|(name, value)| match value {
        Value::Object(group) => group.keys().cloned().collect(),
        _ => vec![name.clone()],
    });
    wanted.extend(groups.flatten().map(|name| format!("setting.{name}")));
    for language in ["en", "fr"] {
        let (_, texts) = answer(lab.request("GET", &format!("/sandbox/assets/texts/{language}.json"))).await;
        for name in &wanted {
            let pointer = format!("/{}", name.replace('.', "/"));
            assert!(texts.pointer(&pointer).is_some_and(Value::is_string), "{language}: {name}");
        }
    }
}

/// `answered` of a table's line "| `answered` | when … |".
fn first_cell(line: &str) -> Option<String> {
    Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())
}

#[tokio::test]
async fn web_pages_of_other_sites_may_not_use_the_control_api() {
    let lab = Lab::new().await;
    let host = lab.sandbox.url()["http://".len()..].to_owned();
    let own = format!("http://{host}");
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("sec-fetch-site", "none", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "http://localhost:3000", 403),
        ("origin", "null", 403),
        ("origin", own.as_str(), 200),
    ] {
        for (method, path) in [("GET", "/sandbox/state"), ("POST", "/sandbox/reset")] {
            let (seen, body) = answer(lab.request(method, path).header(name, value)).await;
            assert_eq!(seen, status, "{name}: {value} {body}");
            assert_eq!(body["error"].is_string(), status == 403);
        }
    }
    // Whoever follows a link to the page may see it: it does nothing by itself.
    let link = lab.request("GET", "/sandbox").header("sec-fetch-site", "cross-site");
    assert_eq!(link.send().await.unwrap().status(), 200);
    let preflight = lab.request("OPTIONS", "/sandbox/state").header("origin", own).send().await.unwrap();
    assert!(!preflight.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_public_name_that_points_here_is_refused() {
    let lab = Lab::new().await;
    for (host, status) in
        [("evil.example:8090", 403), ("127.0.0.1.nip.io", 403), ("localhost:1", 200), ("sandbox:8090", 200)]
    {
        for path in ["/sandbox/state", "/sandbox", "/sandbox/assets/main.mjs"] {
            let (seen, _) = answer(lab.request("GET", path).header("host", host)).await;
            assert_eq!(seen, status, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn the_logs_can_be_read_on_from_where_one_was() {
    let lab = Lab::new().await;
    for name in ["Ada", "Bo", "Cy"] {
        lab.assistant(name).await;
    }
    let (_, all) = lab.control("GET", "/requests", json!({})).await;
    let last = all["last"].as_u64().unwrap();
    let names = |log: &Value| -> Vec<String> {
        let entries = log["requests"].as_array().unwrap();
        entries.iter().map(|entry| entry["body"]["name"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        (format!("after={}", last - 2), &["Bo", "Cy"][..]),
        (format!("after={}&limit=1", last - 2), &["Bo"][..]),
        ("limit=1".to_owned(), &["Cy"][..]),
        (format!("after={last}"), &[][..]),
    ] {
        let (status, log) = answer(lab.request("GET", &format!("/sandbox/requests?{query}"))).await;
        assert_eq!(
            (status, names(&log)),
            (200, expected.iter().map(|n| (*n).to_owned()).collect()),
            "{query}"
        );
        assert_eq!(log["last"], json!(last));
    }
    let (status, hooks) = answer(lab.request("GET", "/sandbox/webhooks?after=0&limit=5")).await;
    assert_eq!((status, &hooks["webhooks"], &hooks["last"]), (200, &json!([]), &json!(0)));
    for wrong in ["after=x", "limit=-1", "since=4"] {
        for log in ["requests", "webhooks"] {
            let (status, refusal) = answer(lab.request("GET", &format!("/sandbox/{log}?{wrong}"))).await;
            assert_eq!((status, refusal["error"].is_string()), (400, true), "{log} {wrong}");
        }
    }
}
