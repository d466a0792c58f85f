//! Who may use the control API: programs, and the sandbox's own page. Not the web pages of strangers, which a
//! browser on the same machine may have open: they could read every token and change everything.

use std::net::IpAddr;

use crate::http::Request;

/// Names that nobody can give to a machine in the public DNS (RFC 6761, RFC 6762, RFC 8375; `.internal` by
/// ICANN). Names without a dot, such as `localhost` or a container's, are local too.
const LOCAL_ENDINGS: [&str; 6] = [".localhost", ".local", ".internal", ".test", ".home.arpa", ".lan"];

/// A stranger's page whose name was made to point here (DNS rebinding) is of the same origin to the browser;
/// only the name gives it away.
pub(crate) fn wrong_host(request: &Request) -> Option<String> {
    let host = request.header("host")?;
    (!is_local(host)).then(|| {
        format!(
            "{host} is no local name: reach /sandbox by an IP address, localhost, or a name without a dot"
        )
    })
}

/// Browsers say where a request comes from; what comes from another site is refused. Programs say nothing.
pub(crate) fn cross_site(request: &Request) -> Option<&'static str> {
    let site = request.header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = request.header("origin").is_none_or(|origin| {
        let place = origin.split_once("://").map(|(_, place)| place);
        place.is_some() && place == request.header("host")
    });
    (!(site && origin)).then_some("web pages of other sites may not use /sandbox")
}

fn is_local(host: &str) -> bool {
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok()
        || !name.contains('.')
        || LOCAL_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_names_that_strangers_cannot_have_are_local() {
        for local in [
            "localhost:8090",
            "127.0.0.1:8090",
            "127.0.0.1",
            "[::1]:8090",
            "[::1]",
            "192.168.1.20:8090",
            "sandbox:8090",
            "host.docker.internal:8090",
            "MAC.local",
            "a.localhost.:80",
        ] {
            assert!(is_local(local), "{local}");
        }
        for public in
            ["evil.example:8090", "127.0.0.1.nip.io:8090", "localhost.evil.com", "evillocalhost.com", "a.b:x"]
        {
            assert!(!is_local(public), "{public}");
        }
    }
}
