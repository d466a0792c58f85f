//! Live events: in order, resumable, and over when the right to them is.

use dialtone_domain::Role;
use dialtone_testkit::{Client, on_each_engine};
use futures::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// A stream of server-sent events.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    pub(crate) async fn open(client: &Client, path: &str) -> Self {
        // As long as the test: what ends a stream is the server.
        let request = client.request(Method::GET, path).timeout(Duration::from_secs(3600));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event as its id, its name and its data; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<(i64, String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let Some(id) = field("id:") {
                    let data = serde_json::from_str(field("data:").unwrap()).unwrap();
                    return Some((id.parse().unwrap(), field("event:").unwrap().to_owned(), data));
                }
            }
            let wait = tokio::time::timeout(Duration::from_secs(20), self.response.chunk());
            let chunk = wait.await.expect("an event or the end within 20 seconds").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

on_each_engine! {
    async fn events_are_told_in_order_and_a_lost_connection_is_resumed(world: TestServer) {
        let mut live = Stream::open(&world.owner, "/api/v1/events").await;
        for name in ["one", "two", "three"] {
            world.owner.patch("/api/v1/organisation", json!({ "name": name })).await.expect(200);
        }
        let first = live.next().await.unwrap();
        let second = live.next().await.unwrap();
        drop(live);
        assert_eq!(second.0, first.0 + 1);
        assert_eq!(first.1, first.2["kind"].as_str().unwrap());
        assert_eq!(first.2["actor"]["kind"], "token");
        let resumed = world.owner.with("last-event-id", &first.0.to_string());
        let mut resumed = Stream::open(&resumed, "/api/v1/events").await;
        assert_eq!(resumed.next().await.unwrap().2, second.2);
        assert_eq!(resumed.next().await.unwrap().0, second.0 + 1);
        let mut after = Stream::open(&world.owner, &format!("/api/v1/events?after={}", first.0)).await;
        assert_eq!(after.next().await.unwrap().2, second.2);
        world.owner.get("/api/v1/events?after=x").await.problem(400, "invalid_request");
        world.owner.with("last-event-id", "x").get("/api/v1/events").await.problem(400, "invalid_request");
    }

    async fn a_stream_ends_with_its_credential_and_other_organisations_hear_nothing(world: TestServer) {
        let made = world.owner.post("/api/v1/tokens", json!({ "name": "tv", "role": "viewer" })).await.expect(201).body;
        let tv = world.nobody().token(made["secret"].as_str().unwrap());
        let stranger = world.stranger().await;
        let mut theirs = Stream::open(&stranger, "/api/v1/events").await;
        let mut live = Stream::open(&tv, "/api/v1/events").await;
        let path = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
        world.owner.delete(&path).await.expect(200);
        while live.next().await.is_some() {}
        stranger.patch("/api/v1/organisation", json!({ "name": "Globex 2" })).await.expect(200);
        assert_eq!(theirs.next().await.unwrap().2["kind"], "organisation.changed");
    }

    async fn streams_are_bounded_per_member_and_end_when_the_server_stops(world: TestServer) {
        let viewer = world.member(Role::Viewer).await;
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(Stream::open(&viewer, "/api/v1/events").await);
        }
        viewer.get("/api/v1/events").await.problem(503, "busy");
        Stream::open(&world.owner, "/api/v1/events").await;
        world.stop().await;
        for mut stream in streams {
            while stream.next().await.is_some() {}
        }
    }

    async fn t51_a_stream_tells_only_its_own_organisation_wherever_it_is_resumed(world: TestServer) {
        let count = if std::env::var_os("DIALTONE_TEST_LONG").is_some() { 50_000 } else { 150 };
        let stranger = world.stranger().await;
        let busy = |client: Client, mark: &'static str, count: i64| async move {
            let change = |number| {
                let (client, change) = (client.clone(), json!({ "name": format!("{mark} {number}") }));
                async move { drop(client.patch("/api/v1/organisation", change).await.expect(200)) }
            };
            futures::stream::iter(0..count).for_each_concurrent(32, change).await;
        };
        let follower = world.owner.clone();
        let follow = async move {
            let mut stream = Stream::open(&follower, "/api/v1/events?after=0").await;
            // The owner and the token came first.
            for expected in 1..=count + 2 {
                let (seq, _, data) = stream.next().await.unwrap();
                assert_eq!(seq, expected);
                assert!(!data.to_string().contains("canary"), "{data}");
            }
            stream
        };
        let writers = futures::future::join(busy(world.owner.clone(), "ours", count), busy(stranger.clone(), "canary", 2 * count));
        let (live, _) = futures::future::join(follow, writers).await;
        let last = count + 2;
        let foreign = 2 * count + 2;
        // From numbers that are not ours on, only what is ours and new is told.
        let mut resumed = Vec::new();
        for id in [foreign, i64::MAX, last] {
            let client = world.owner.with("last-event-id", &id.to_string());
            resumed.push(Stream::open(&client, "/api/v1/events?after=0").await);
            resumed.push(Stream::open(&world.owner, &format!("/api/v1/events?after={id}")).await);
        }
        busy(stranger.clone(), "canary", 1).await;
        busy(world.owner.clone(), "news", 1).await;
        resumed.push(live);
        for stream in &mut resumed {
            let (seq, _, data) = stream.next().await.unwrap();
            assert_eq!((seq, &data["data"]["name"]), (last + 1, &json!("news 0")));
        }
        for id in ["-1", "-9223372036854775808", "9223372036854775808", "1.0", "0x1", "1 OR 1=1", ""] {
            world.owner.with("last-event-id", id).get("/api/v1/events").await.problem(400, "invalid_request");
        }
        world.owner.get("/api/v1/events?after=-1").await.problem(400, "invalid_request");
        let begun = std::time::Instant::now();
        let verified = world.owner.get("/api/v1/audit/verification").await.expect(200).body;
        assert_eq!((&verified["audit"]["intact"], &verified["audit"]["seq"]), (&json!(true), &json!(last + 1)));
        eprintln!("{last} events verified in {:?}", begun.elapsed());
    }
}
