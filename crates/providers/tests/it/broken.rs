//! Answers that are none: what is repeated, and which problem it becomes (issue 2: 429, 500, slow, HTML, cut).

use crate::stub::{self, PHONE, Stub, json, quick};
use axum::response::{IntoResponse, Response};
use dialtone_domain::{Code, NumberSid, Problem};
use dialtone_providers::twilio::NumberUpdate;
use dialtone_providers::{LaneLimits, Limits, Twilio};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

async fn read(twilio: &Twilio) -> Problem {
    twilio.number(&PHONE.parse().unwrap()).await.unwrap_err()
}

async fn write(twilio: &Twilio) -> Problem {
    let sid: NumberSid = "PN0123456789abcdef0123456789abcdef".parse().unwrap();
    twilio.update_number(&sid, &NumberUpdate::default()).await.unwrap_err()
}

/// A read and a write against one server: the codes, and how often each was sent.
async fn both(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> [(Code, usize); 2] {
    let stub = Stub::start(move |_, _| answer()).await;
    let first = (read(&stub.twilio()).await.code, stub.seen().len());
    let second = (write(&stub.twilio()).await.code, stub.seen().len() - first.1);
    [first, second]
}

async fn both_raw(answer: Option<&[u8]>, limits: Limits) -> [(Code, usize); 2] {
    let (url, asked) = stub::bytes(answer.map(<[u8]>::to_vec)).await;
    let twilio = stub::twilio(&url, limits);
    let asked = || *asked.lock().unwrap();
    let first = (read(&twilio).await.code, asked());
    let second = (write(&twilio).await.code, asked() - first.1);
    [first, second]
}

#[tokio::test]
async fn outages_repeat_reads_only() {
    for status in [500, 502, 503, 408] {
        let expected = [(Code::ProviderFailed, 3), (Code::ProviderUnclear, 1)];
        assert_eq!(both(move || json(status, &json!({"message": "x"}))).await, expected, "{status}");
    }
}

#[tokio::test]
async fn a_429_was_not_processed_and_repeats_both() {
    let expected = [(Code::ProviderRateLimited, 3), (Code::ProviderRateLimited, 3)];
    assert_eq!(both(|| json(429, &json!({"code": 20429}))).await, expected);
    let zero = || ([("retry-after", "0")], json(429, &json!({}))).into_response();
    let zero = move || {
        let mut response = zero();
        *response.status_mut() = axum::http::StatusCode::TOO_MANY_REQUESTS;
        response
    };
    assert_eq!(both(zero).await, expected);
}

#[tokio::test]
async fn a_long_retry_after_is_not_waited_for() {
    let long = || (axum::http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "11")], "{}").into_response();
    let expected = [(Code::ProviderRateLimited, 1), (Code::ProviderRateLimited, 1)];
    assert_eq!(both(long).await, expected);
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for() {
    let stub = Stub::start(|_, place| match place {
        0 => (axum::http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "").into_response(),
        _ => json(200, &json!({"incoming_phone_numbers": []})),
    })
    .await;
    let began = Instant::now();
    assert_eq!(stub.twilio().number(&PHONE.parse().unwrap()).await, Ok(None));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_read_recovers() {
    let stub = Stub::start(|_, place| match place {
        0 => json(503, &json!({})),
        1 => json(500, &json!({})),
        _ => json(200, &json!({"incoming_phone_numbers": []})),
    })
    .await;
    assert_eq!(stub.twilio().number(&PHONE.parse().unwrap()).await, Ok(None));
}

#[tokio::test]
async fn what_cannot_be_understood_failed_or_is_unclear() {
    let unreadable = [(Code::ProviderFailed, 1), (Code::ProviderUnclear, 1)];
    for (status, body) in [
        (200, "<html>maintenance</html>"),
        (200, "{\"incoming_phone_numbers\": [{\"sid\""),
        (200, ""),
        (200, "null"),
        (200, "[]"),
        (200, "{\"incoming_phone_numbers\": {}}"),
        (204, ""),
        (301, "moved"),
        (307, ""),
    ] {
        let answer = move || {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [("location", "http://127.0.0.1:1/elsewhere")], body).into_response()
        };
        assert_eq!(both(answer).await, unreadable, "{status} {body}");
    }
}

#[tokio::test]
async fn html_with_a_status_is_judged_by_the_status() {
    let html = || (axum::http::StatusCode::UNAUTHORIZED, "<html>no</html>").into_response();
    assert_eq!(both(html).await, [(Code::TwilioUnauthorized, 1), (Code::TwilioUnauthorized, 1)]);
    let stub =
        Stub::start(|_, _| (axum::http::StatusCode::BAD_GATEWAY, "<html>no</html>").into_response()).await;
    assert_eq!(read(&stub.twilio()).await.provider.unwrap().message, "502 Bad Gateway");
}

#[tokio::test]
async fn a_huge_answer_is_not_read_to_its_end() {
    let huge = || ([("content-type", "application/json")], vec![b' '; 5 << 20]).into_response();
    assert_eq!(both(huge).await, [(Code::ProviderFailed, 1), (Code::ProviderUnclear, 1)]);
}

#[tokio::test]
async fn a_lost_connection_is_unreachable_or_unclear() {
    let lost = [(Code::ProviderUnreachable, 3), (Code::ProviderUnclear, 1)];
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"incoming_phone_nu";
    assert_eq!(both_raw(Some(cut), quick()).await, lost, "cut");
    assert_eq!(both_raw(Some(b""), quick()).await, lost, "dropped");
    assert_eq!(both_raw(Some(b"SSH-2.0-x\r\n"), quick()).await, lost, "another protocol");
    let limits = Limits { timeout: Duration::from_millis(250), ..quick() };
    assert_eq!(both_raw(None, limits).await, lost, "slow");
}

#[tokio::test]
async fn a_cut_refusal_is_a_refusal() {
    let cut = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 1000\r\n\r\n{\"code";
    assert_eq!(both_raw(Some(cut), quick()).await, [(Code::TwilioForbidden, 1), (Code::TwilioForbidden, 1)]);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let twilio = stub::twilio(&url, quick());
    assert_eq!(read(&twilio).await.code, Code::ProviderUnreachable);
    assert_eq!(write(&twilio).await.code, Code::ProviderUnreachable);
}

#[tokio::test]
async fn who_gets_no_turn_in_time_is_told_so_and_nothing_is_sent() {
    let stub = Stub::start(|_, _| json(200, &json!({"incoming_phone_numbers": []}))).await;
    let lane = LaneLimits { concurrent: 1, per_minute: 1, burst: 1 };
    let stub = stub.limits(Limits { twilio: lane, patience: Duration::from_millis(50), ..quick() });
    let twilio = stub.twilio();
    assert_eq!(twilio.number(&PHONE.parse().unwrap()).await, Ok(None));
    assert_eq!(read(&twilio).await.code, Code::ProviderRateLimited);
    assert_eq!(stub.seen().len(), 1);
}
