//! Addresses from outside: which are called, which are not, and that a name cannot change its mind in between.

use dialtone_domain::Code;
use dialtone_providers::{Gate, Guard, Refusal, signed_headers};
use reqwest::header::HeaderMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(15);

/// Names that the tests know: all others have no address.
fn known(name: &str) -> Vec<IpAddr> {
    let addresses: &[&str] = match name {
        "public.example" | "xn--mnchen-3ya.example" => &["93.184.216.34"],
        "v6.example" => &["2606:2800:220:1:248:1893:25c8:1946"],
        "local.example" | "localhost" => &["127.0.0.1"],
        "local6.example" => &["::1"],
        "private.example" => &["10.1.2.3"],
        "metadata.example" => &["169.254.169.254"],
        "mapped.example" => &["::ffff:192.168.0.1"],
        "nat64.example" => &["64:ff9b::a00:1"],
        "mixed.example" => &["93.184.216.34", "127.0.0.1"],
        "mixed6.example" => &["2606:2800:220:1::1", "fd00::1"],
        _ => &[],
    };
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

fn guard(private: &str) -> Guard {
    Guard::with_lookup(private, Gate::default(), PATIENCE, |name| Box::pin(async move { Ok(known(&name)) }))
        .unwrap()
}

use Refusal::{Address, Malformed, Port, Scheme, Unknown, User};

const REFUSED: &[(&str, Refusal)] = &[
    // Not an address, or not of the web.
    ("", Malformed),
    ("public.example", Malformed),
    ("//public.example/", Malformed),
    ("https://", Malformed),
    ("https:///etc/passwd", Unknown),
    ("https://public.example/\n", Malformed),
    ("https://public.example/ x", Malformed),
    ("https:\\\\public.example", Malformed),
    ("https://public.example\\@127.0.0.1/", Malformed),
    ("https://public.example\u{0}.evil.example", Malformed),
    ("https://[::1", Malformed),
    ("https://1.2.3.4.5/", Malformed),
    ("https://0x1g/", Unknown),
    ("https://public.example:99999/", Malformed),
    ("https://a b/", Malformed),
    ("ftp://public.example/", Scheme),
    ("file:///etc/passwd", Scheme),
    ("gopher://127.0.0.1:6379/_x", Scheme),
    ("data:text/plain,x", Scheme),
    ("javascript:alert(1)", Scheme),
    ("ws://public.example/", Scheme),
    ("unix:/var/run/docker.sock", Scheme),
    ("http://public.example/", Scheme),
    ("HTTP://public.example/", Scheme),
    ("http://93.184.216.34/", Scheme),
    ("http://localhost/", Scheme),
    // Whoever is named in it.
    ("https://user@public.example/", User),
    ("https://user:password@public.example/", User),
    ("https://:password@public.example/", User),
    ("https://public.example@127.0.0.1/", User),
    ("https://127.0.0.1@public.example/", User),
    // Ports of other services.
    ("https://public.example:0/", Port),
    ("https://public.example:22/", Port),
    ("https://public.example:25/", Port),
    ("https://public.example:80/", Port),
    ("https://public.example:5432/", Port),
    ("https://public.example:6379/", Port),
    ("https://public.example:8080/", Port),
    ("https://public.example:9200/", Port),
    ("https://public.example:11211/", Port),
    // IPv4 in all its spellings.
    ("https://127.0.0.1/", Address),
    ("https://127.1/", Address),
    ("https://127.0.1/", Address),
    ("https://127.255.255.254/", Address),
    ("https://2130706433/", Address),
    ("https://0x7f000001/", Address),
    ("https://0x7F.0x0.0x0.0x1/", Address),
    ("https://017700000001/", Address),
    ("https://0177.0.0.1/", Address),
    ("https://0177.0.0.01/", Address),
    ("https://0x7f.1/", Address),
    ("https://127.0.0.1./", Address),
    ("https://0/", Address),
    ("https://0.0.0.0/", Address),
    ("https://0x0/", Address),
    ("https://10.0.0.1/", Address),
    ("https://10.255.255.255/", Address),
    ("https://167772161/", Address),
    ("https://012.1.2.3/", Address),
    ("https://100.64.0.1/", Address),
    ("https://100.127.255.255/", Address),
    ("https://169.254.169.254/latest/meta-data/", Address),
    ("https://2852039166/", Address),
    ("https://0xa9fea9fe/", Address),
    ("https://0xa9.0xfe.0xa9.0xfe/", Address),
    ("https://172.16.0.1/", Address),
    ("https://172.31.255.255/", Address),
    ("https://192.0.0.1/", Address),
    ("https://192.0.2.1/", Address),
    ("https://192.88.99.1/", Address),
    ("https://192.168.0.1/", Address),
    ("https://192.168.1/", Address),
    ("https://3232235521/", Address),
    ("https://198.18.0.1/", Address),
    ("https://198.19.255.255/", Address),
    ("https://198.51.100.1/", Address),
    ("https://203.0.113.1/", Address),
    ("https://224.0.0.1/", Address),
    ("https://239.255.255.255/", Address),
    ("https://240.0.0.1/", Address),
    ("https://255.255.255.255/", Address),
    ("https://4294967295/", Address),
    // Digits that are not ASCII.
    ("https://１２７.0.0.1/", Address),
    ("https://①②⑦.0.0.1/", Address),
    ("https://127。0。0。1/", Address),
    // IPv6.
    ("https://[::]/", Address),
    ("https://[::1]/", Address),
    ("https://[0:0:0:0:0:0:0:1]/", Address),
    ("https://[::127.0.0.1]/", Address),
    ("https://[::ffff:127.0.0.1]/", Address),
    ("https://[::ffff:7f00:1]/", Address),
    ("https://[::ffff:10.0.0.1]/", Address),
    ("https://[::ffff:169.254.169.254]/", Address),
    ("https://[::ffff:0:127.0.0.1]/", Address),
    ("https://[64:ff9b::7f00:1]/", Address),
    ("https://[64:ff9b::127.0.0.1]/", Address),
    ("https://[64:ff9b:1::1]/", Address),
    ("https://[100::1]/", Address),
    ("https://[2001::1]/", Address),
    ("https://[2001:0:7f00:1::]/", Address),
    ("https://[2001:10::1]/", Address),
    ("https://[2001:20::1]/", Address),
    ("https://[2001:db8::1]/", Address),
    ("https://[2002:7f00:1::1]/", Address),
    ("https://[2002:a00:1::1]/", Address),
    ("https://[3fff::1]/", Address),
    ("https://[5f00::1]/", Address),
    ("https://[fc00::1]/", Address),
    ("https://[fd12:3456:789a::1]/", Address),
    ("https://[fe80::1]/", Address),
    ("https://[fec0::1]/", Address),
    ("https://[ff02::1]/", Address),
    // Names.
    ("https://nowhere.example/", Unknown),
    ("https://localhost/", Address),
    ("https://LOCALHOST/", Address),
    ("https://localhost./", Address),
    ("https://local.example/", Address),
    ("https://local6.example/", Address),
    ("https://private.example/", Address),
    ("https://metadata.example/latest/", Address),
    ("https://mapped.example/", Address),
    ("https://nat64.example/", Address),
    ("https://mixed.example/", Address),
    ("https://mixed6.example/", Address),
];

const TAKEN: &[&str] = &[
    "https://public.example/",
    "https://PUBLIC.example./hook?x=1#y",
    "https://public.example:443/",
    "https://public.example:8443/hook",
    "https://v6.example/",
    "https://münchen.example/",
    "https://93.184.216.34/",
    "https://1.1.1.1/",
    "https://0x01010101/",
    "https://[2606:2800:220:1:248:1893:25c8:1946]/",
    "https://[::ffff:93.184.216.34]/",
    "https://100.63.255.255/",
    "https://100.128.0.1/",
    "https://172.15.255.255/",
    "https://172.32.0.1/",
    "https://198.17.255.255/",
    "https://223.255.255.255/",
];

#[tokio::test]
async fn t21_forms_of_addresses() {
    assert!(REFUSED.len() + TAKEN.len() >= 130, "{}", REFUSED.len() + TAKEN.len());
    let guard = guard("");
    for (url, why) in REFUSED {
        assert_eq!(guard.check(url).await.err(), Some(*why), "{url}");
    }
    for url in TAKEN {
        assert!(guard.check(url).await.is_ok(), "{url}");
    }
    let long = format!("https://public.example/{}", "x".repeat(3000));
    assert_eq!(guard.check(&long).await.err(), Some(Malformed));
}

#[tokio::test]
async fn t21_the_operators_networks_and_nothing_beside_them() {
    let guard = guard("10.0.0.0/8, 127.0.0.1 fd00::/8");
    for url in [
        "http://10.1.2.3:8080/hook",
        "https://10.255.0.1:9443/",
        "http://127.0.0.1:1/",
        "http://2130706433:81/",
        "https://private.example/",
        "http://private.example:3000/hook",
        "http://[fd00::7]:80/",
        "https://public.example/",
    ] {
        assert!(guard.check(url).await.is_ok(), "{url}");
    }
    for url in [
        "http://127.0.0.2/",
        "http://192.168.0.1/",
        "http://public.example/",
        "https://public.example:8080/",
        "http://mixed.example/",
        "http://10.1.2.3@192.168.0.1/",
        "http://[fe80::1]/",
    ] {
        assert!(guard.check(url).await.is_err(), "{url}");
    }
    for networks in ["10.0.0.0/33", "nonsense", "10.0.0"] {
        assert!(Guard::new(networks, Gate::default()).is_err(), "{networks}");
    }
}

/// A listener on this machine that counts who connects, and says nothing to them.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, hits) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = hits.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            open.push(stream);
        }
    });
    (port, hits)
}

/// How often: a few times, or many in the long run.
fn tries(few: usize, many: usize) -> usize {
    if std::env::var_os("DIALTONE_TEST_LONG").is_some() { many } else { few }
}

#[tokio::test]
async fn t21_a_name_that_flips_after_the_check_reaches_nothing() {
    let (port, hits) = listener().await;
    let turn = Arc::new(AtomicUsize::new(0));
    let flipping = turn.clone();
    // The operator allows one network, so that odd ports pass the form; the name flips between it and this machine.
    let guard = Guard::with_lookup("10.9.9.9/32", Gate::default(), PATIENCE, move |_| {
        let even = flipping.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        let address = if even { "10.9.9.9" } else { "127.0.0.1" };
        Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
    })
    .unwrap();
    let mut refused = 0;
    for _ in 0..tries(200, 10_000) {
        let destination = guard.check(&format!("http://flip.example:{port}/")).await.unwrap();
        let sent = guard.post(&destination, HeaderMap::new(), b"{}".to_vec()).await.unwrap_err();
        refused += usize::from(sent.code == Code::AddressForbidden);
        // The next check sees the allowed address again.
        while !turn.load(Ordering::SeqCst).is_multiple_of(2) {
            turn.fetch_add(1, Ordering::SeqCst);
        }
    }
    assert_eq!((refused, hits.load(Ordering::SeqCst)), (tries(200, 10_000), 0));
    // The twin: with this machine allowed, the very same request arrives.
    let open = guard_here();
    let destination = open.check(&format!("http://flip.example:{port}/")).await.unwrap();
    drop(
        tokio::time::timeout(Duration::from_millis(500), open.post(&destination, HeaderMap::new(), vec![]))
            .await,
    );
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

/// Every name is this machine, and this machine is allowed.
fn guard_with(patience: Duration) -> Guard {
    Guard::with_lookup("127.0.0.1", Gate::default(), patience, |_| {
        Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) })
    })
    .unwrap()
}

fn guard_here() -> Guard {
    guard_with(PATIENCE)
}

/// A server that answers each connection with these bytes, then does with it what the test says.
async fn answering(answer: Vec<u8>, endless: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&answer).await;
                while endless && stream.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
            });
        }
    });
    url
}

#[tokio::test]
async fn t21_t22_redirects_are_not_followed_and_answers_are_bounded() {
    let (port, hits) = listener().await;
    let guard = guard_here();
    for status in [301, 302, 303, 307, 308] {
        let head =
            format!("HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\n\r\n");
        let url = answering(head.into_bytes(), false).await;
        let destination = guard.check(&url).await.unwrap();
        let reply = guard.post(&destination, HeaderMap::new(), vec![]).await.unwrap();
        assert_eq!(reply.status, status);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
    let url = answering(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), true).await;
    let destination = guard.check(&url).await.unwrap();
    let reply = guard.post(&destination, HeaderMap::new(), vec![]).await.unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, 16 << 10));
    let gate = Gate::default();
    let fenced = Guard::new("127.0.0.0/8", gate.clone()).unwrap();
    gate.set_open(false);
    let destination = fenced.check(&url).await.unwrap();
    let held = fenced.post(&destination, HeaderMap::new(), vec![]).await.unwrap_err();
    assert_eq!(held.code, Code::Fenced);
}

#[tokio::test]
async fn t22_a_tarpit_ends() {
    let (port, _) = listener().await;
    let guard = guard_with(Duration::from_millis(200));
    let destination = guard.check(&format!("http://127.0.0.1:{port}/")).await.unwrap();
    let began = Instant::now();
    let slow = guard.post(&destination, HeaderMap::new(), vec![]).await.unwrap_err();
    assert_eq!((slow.code, slow.params.get("why")), (Code::WebhookFailed, Some("no answer in time")));
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// The example of the specification's own libraries.
#[test]
fn t22_signatures_are_those_of_standard_webhooks() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into();
    let at = jiff::Timestamp::from_second(1_614_265_330).unwrap();
    let headers =
        signed_headers(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#).unwrap();
    assert_eq!(headers["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(headers["webhook-timestamp"], "1614265330");
    assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert!(signed_headers(&"other".to_owned().into(), "msg", at, b"").is_err());
}
