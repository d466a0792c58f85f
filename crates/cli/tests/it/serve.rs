//! `dialtone serve`: its first start, and its end.

use crate::harness::{Engine, Place, Process, get, never_logged, post};
use serde_json::json;

#[tokio::test]
async fn the_first_start_prints_a_code_that_sets_up_once() {
    let place = Place::new(Engine::Sqlite);
    let serve = || Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    let mut server = serve();
    let url = server.line().strip_prefix("Dialtone answers at ").unwrap().to_owned();
    let told = server.line();
    let code = told.rsplit(' ').next().unwrap().to_owned();
    never_logged(&code);
    assert!(told.contains(&url), "{told}");
    assert_eq!(get(&format!("{url}/readyz"), None).await.0, 200);

    let body = json!({
        "code": code, "email": "owner@example.com", "password": "set-up canary password", "name": "Owner",
        "organisation": "First", "country": "FR", "language": "fr"
    });
    never_logged("set-up canary password");
    let (status, answer) = post(&format!("{url}/api/v1/setup"), None, &body).await;
    assert_eq!(status, 201, "{answer}");
    assert_ne!(post(&format!("{url}/api/v1/setup"), None, &body).await.0, 201, "the code works twice");
    assert!(server.stop().success());

    let mut server = serve();
    assert!(server.line().starts_with("Dialtone answers at "));
    assert!(server.stop().success(), "it has to stop when it is asked to");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::new(Engine::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = crate::harness::run(&mut place.dialtone(&["serve", "--listen", &address]), "");
    assert_eq!(ended.code, 1);
    assert!(ended.error.contains(&format!("cannot listen on {address}")), "{}", ended.error);
}
