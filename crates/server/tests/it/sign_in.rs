//! Signing in: guessing is slowed and victims are not (T16, T54), answers do not tell who exists (T06), the first
//! set-up is one person's (T50), requests are counted (F3).

use dialtone_app::Device;
use dialtone_domain::{Code, ExposeSecret, Role, SecretString};
use dialtone_testkit::{Answer, Browser, Client, Engine, PASSWORD, TestServer, on_each_engine};
use futures::future::join_all;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::Duration;

const OWNER: &str = "owner@example.com";

fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

async fn try_password(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/v1/session", credentials(email, password)).await
}

/// A server behind a proxy on this machine.
async fn behind_a_proxy() -> TestServer {
    let trust = ["127.0.0.1/32".parse().unwrap()].to_vec();
    TestServer::start_behind(Engine::Sqlite, |_, options| options.trusted_proxies = trust).await.unwrap()
}

fn from(world: &TestServer, address: &str) -> Client {
    world.nobody().with("x-forwarded-for", address)
}

/// How many tries of the default run; all of them with `DIALTONE_TEST_LONG`.
fn many(all: u32, some: u32) -> u32 {
    if std::env::var_os("DIALTONE_TEST_LONG").is_some() { all } else { some }
}

async fn guess(world: &TestServer, guesses: u32, addresses: u32) -> u32 {
    let mut hashed = 0;
    for guess in 0..guesses {
        let address = Ipv4Addr::from_bits(0x0A00_0000 + guess % addresses);
        let device =
            Device { address: address.into(), user_agent: String::new(), known: Vec::new(), ceremony: None };
        match world.app.sign_in(OWNER, SecretString::from(format!("guess {guess}")), &device).await {
            Err(problem) if problem.code == Code::SignInFailed => hashed += 1,
            Err(problem) => assert_eq!(problem.code, Code::TooManyAttempts),
            Ok(_) => panic!("a guess was right"),
        }
    }
    hashed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_of_many_guesses_few_reach_the_hash_and_the_victim_gets_in() {
    for addresses in [1, 1_000] {
        let world = behind_a_proxy().await;
        let mut home = Browser::new(&from(&world, "192.0.2.1"));
        home.post("/api/v1/session", credentials(OWNER, PASSWORD)).await.expect(200);
        let begun = std::time::Instant::now();
        let hashed = guess(&world, many(100_000, 1_500), addresses).await;
        let delays = begun.elapsed().as_secs_f64().log2().max(0.0) as u32;
        println!("{hashed} guesses from {addresses} addresses reached the hash in {:?}", begun.elapsed());
        assert!(hashed <= 10 + delays + 1, "{hashed} in {:?}", begun.elapsed());

        // Whoever was never here waits, but not for ever; the browser that was here does not.
        let refused =
            try_password(&from(&world, "192.0.2.2"), OWNER, PASSWORD).await.problem(429, "too_many_attempts");
        assert!((1..=900).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
        home.cookies.remove("dialtone_session");
        home.post("/api/v1/session", credentials(OWNER, PASSWORD)).await.expect(200);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_a_device_is_known_for_its_own_person_only() {
    let world = behind_a_proxy().await;
    world.add_user("eve@example.com", "Globex", Role::Owner).await;
    let mut eve = Browser::new(&from(&world, "198.51.100.1"));
    eve.post("/api/v1/session", credentials("eve@example.com", PASSWORD)).await.expect(200);
    guess(&world, 40, 40).await;
    eve.post("/api/v1/session", credentials(OWNER, PASSWORD)).await.problem(429, "too_many_attempts");
    // A cookie that was made up is none.
    let device = eve.cookies.keys().find(|name| name.starts_with("dialtone_device_")).unwrap().clone();
    eve.cookies.insert(device, "made.up".to_owned());
    eve.post("/api/v1/session", credentials(OWNER, PASSWORD)).await.problem(429, "too_many_attempts");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_a_flood_is_sent_away_before_it_is_hashed_and_known_devices_pass_it() {
    let world = behind_a_proxy().await;
    let mut home = Browser::new(&from(&world, "192.0.2.1"));
    home.post("/api/v1/session", credentials(OWNER, PASSWORD)).await.expect(200);
    let flood = (0..80).map(|n| {
        let client = from(&world, &format!("10.1.0.{n}"));
        async move { try_password(&client, &format!("nobody{n}@example.com"), "x").await.status }
    });
    let flood = tokio::spawn(join_all(flood.collect::<Vec<_>>()));
    home.post("/api/v1/session", credentials(OWNER, PASSWORD)).await.expect(200);
    let statuses = flood.await.unwrap();
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert!(count(503) > 0 && count(401) > 0 && count(401) + count(503) == 80, "{statuses:?}");
    world.stop().await;
}

/// How many of so many guesses at a one-time link are not even looked at; these need no hash.
async fn refused_links(world: &TestServer, guesses: u32, address: impl Fn(u32) -> String) -> u32 {
    let mut refused = 0;
    for n in 0..guesses {
        let answer = from(world, &address(n)).get("/sign-in/guess").await;
        assert!([401, 429].contains(&answer.status), "{}", answer.text);
        refused += u32::from(answer.status == 429);
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t54_what_a_stranger_writes_into_forwarded_for_changes_nothing() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    assert!(refused_links(&world, 40, |n| format!("203.0.113.{n}")).await >= 15);
    world.stop().await;
    // Behind a proxy that was named, each client has its own measure; one IPv6 customer is one client.
    let world = behind_a_proxy().await;
    assert_eq!(refused_links(&world, 40, |n| format!("203.0.113.9, 198.51.100.{n}")).await, 0);
    assert!(refused_links(&world, 40, |n| format!("2001:db8:1:2::{n:x}")).await >= 15);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_members_and_addresses_have_a_limit_of_their_own() {
    let slow = |_: &mut _, options: &mut dialtone_server::Options| {
        options.requests_per_minute = 60;
        options.trusted_proxies = ["127.0.0.1/32".parse().unwrap()].to_vec();
    };
    let world = TestServer::start_behind(Engine::Sqlite, slow).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(world.owner.get("/api/v1/organisation").await);
    }
    let refused = statuses.iter().filter(|answer| answer.status == 429).count();
    assert!((5..=10).contains(&refused), "{refused}");
    let last = statuses.pop().unwrap().problem(429, "rate_limited");
    assert!(last.header("retry-after").parse::<u32>().is_ok());
    // Another member is another matter, and so is another address.
    let viewer = world.member(Role::Viewer).await;
    viewer.get("/api/v1/organisation").await.expect(200);
    let client = from(&world, "203.0.113.9");
    let answers = join_all((0..70).map(|_| client.get("/api/v1/setup"))).await;
    assert!(answers.iter().any(|answer| answer.status == 429));
    from(&world, "203.0.113.10").get("/api/v1/setup").await.expect(200);
    world.stop().await;
}

async fn first_run(engine: Engine) {
    let Some(world) = TestServer::start_empty(engine).await else { return };
    let code = world.app.setup_code().await.unwrap();
    let body = |n: u32| {
        json!({ "code": code.expose_secret(), "email": format!("anna{n}@example.com"), "password": PASSWORD,
                "name": "Anna", "organisation": format!("Acme {n}") })
    };
    let nobody = world.nobody();
    let answers = join_all((0..64).map(|n| nobody.post("/api/v1/setup", body(n)))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| [201, 401, 409, 429].contains(&answer.status)));
    // Closed for ever after, also with a new code.
    let late = world.app.setup_code().await.unwrap();
    let late = json!({ "code": late.expose_secret(), "email": "eve@example.com", "password": PASSWORD, "name": "Eve",
                       "organisation": "Evil" });
    nobody.post("/api/v1/setup", late).await.problem(409, "setup_done");
    let winner = nobody.with("cookie", made[0].header("set-cookie").split(';').next().unwrap());
    let members = winner.get("/api/v1/members").await.expect(200).body;
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_of_64_set_ups_at_once_one_makes_an_owner_sqlite() {
    first_run(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_of_64_set_ups_at_once_one_makes_an_owner_postgres() {
    first_run(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_a_wrong_code_is_refused_before_anything_is_hashed() {
    let world = TestServer::start_empty(Engine::Sqlite).await.unwrap();
    let body = json!({ "code": "wrong", "email": "eve@example.com", "password": "short", "name": "Eve",
                       "organisation": "Evil" });
    // A password that is too weak would be told to whoever has the code only.
    world.nobody().post("/api/v1/setup", body.clone()).await.problem(401, "code_invalid");
    let nobody = world.nobody();
    let answers = join_all((0..40).map(|_| nobody.post("/api/v1/setup", body.clone()))).await;
    assert!(answers.iter().any(|answer| answer.status == 429), "guessing codes is slowed");
    world.stop().await;
}

on_each_engine! {
    async fn t06_answers_do_not_tell_who_exists(world: TestServer) {
        let nobody = world.nobody().with("x-request-id", "same");
        let wrong = try_password(&nobody, OWNER, "wrong wrong wrong").await.problem(401, "sign_in_failed");
        let unknown = try_password(&nobody, "nobody@example.com", "wrong wrong wrong").await;
        assert_eq!(wrong.text, unknown.text);
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&wrong), names(&unknown));
    }

    async fn f4_sign_ins_are_in_the_audit_trail_and_floods_do_not_fill_it(world: TestServer) {
        for _ in 0..14 {
            try_password(&world.nobody(), OWNER, "wrong wrong wrong").await;
        }
        let mut browser = Browser::new(&world.nobody());
        let secret = world.app.local_sign_in_code(OWNER).await.unwrap();
        browser.get(&format!("/sign-in/{}", secret.expose_secret())).await.expect(303);
        // The failed ones are written while nobody waits.
        let entries = async |kind: &str| {
            let page = world.owner.get(&format!("/api/v1/audit?kind={kind}")).await.expect(200).body;
            page["entries"].as_array().unwrap().clone()
        };
        let failed = loop {
            match entries("sign_in.failed").await {
                failed if failed.len() >= 2 => break failed,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let mut tries: Vec<_> = failed.iter().map(|entry| entry["after"]["tries"].as_u64().unwrap()).collect();
        tries.sort_unstable();
        assert_eq!(tries, [1, 10]);
        assert_eq!((&failed[0]["address"], &failed[0]["after"]["step"]), (&json!("127.0.0.1"), &json!("password")));
        let succeeded = entries("sign_in.succeeded").await;
        assert_eq!((succeeded.len(), &succeeded[0]["after"]), (1, &json!({ "method": "link" })));
    }
}
