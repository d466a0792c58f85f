//! The web UI, embedded. An exact file is served as it is; any other page address is the application's, which
//! finds its own way; below `/api` there are no pages.

use crate::headers::StyleNonce;
use crate::problem::Failure;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use dialtone_domain::Code;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use uuid::Uuid;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Dialtone</title>\
    <h1>Dialtone runs</h1><p>The interface was not built; run <code>make demo</code>. \
    The API is at <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></html>";

/// Where a page keeps its nonce.
const NONCE_PLACE: &str = "__STYLE_NONCE__";
/// Files below this have a hash of their content in their name.
const HASHED: &str = "assets/";
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// What no route answers.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    let is_page = path == "/api/docs" || path.starts_with("/api/docs/");
    if !is_page && (path == "/api" || path.starts_with("/api/")) {
        return Failure::from(Code::NotFound).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Failure::from(Code::MethodNotAllowed).into_response();
    }
    let name = path.trim_start_matches('/');
    let found = match name {
        _ if is_page => page("docs.html"),
        "" | "index.html" => None,
        "docs.html" => page(name),
        name => file(name, request.headers()),
    };
    match found {
        Some(response) => response,
        None if name.starts_with(HASHED) => Failure::from(Code::NotFound).into_response(),
        None => page("index.html").unwrap_or_else(not_built),
    }
}

/// A page with a nonce of its own for the style elements that its scripts make.
fn page(name: &str) -> Option<Response> {
    let built = Built::get(name)?;
    let nonce = Uuid::new_v4().simple().to_string();
    let html = String::from_utf8_lossy(&built.data).replace(NONCE_PLACE, &nonce);
    let mut response = ([(header::CACHE_CONTROL, ASK_FIRST)], Html(html)).into_response();
    response.extensions_mut().insert(StyleNonce(nonce));
    Some(response)
}

fn not_built() -> Response {
    (StatusCode::OK, [(header::CACHE_CONTROL, ASK_FIRST)], Html(NOT_BUILT)).into_response()
}

/// Whether the browser takes brotli: named, and not with a weight of nothing.
fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.trim().split_once(';').unwrap_or((coding.trim(), ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        name.trim() == "br" && !refused
    })
}

/// The file of that name, compressed where that was built and the browser takes it.
fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = Built::get(name).filter(|_| !name.ends_with(".br"))?;
    let packed = takes_brotli(headers).then(|| Built::get(&format!("{name}.br"))).flatten();
    let kind = HeaderValue::from_str(plain.metadata.mimetype()).ok()?;
    let kind = match kind.to_str() {
        Ok(text) if text.starts_with("text/") => {
            HeaderValue::from_str(&format!("{text}; charset=utf-8")).ok()?
        }
        _ => kind,
    };
    let is_packed = packed.is_some();
    let data: Cow<'static, [u8]> = packed.unwrap_or(plain).data;
    let mut response = data.into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, kind);
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(header::CACHE_CONTROL, if name.starts_with(HASHED) { FOREVER } else { ASK_FIRST });
    if is_packed {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_sent_to_those_who_take_it() {
        for (accepted, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=0.5", true),
            ("gzip;q=1.0, br; q=0", false),
            ("gzip", false),
            ("brotli", false),
            ("", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_brotli(&headers), expected, "{accepted}");
        }
    }

    #[tokio::test]
    async fn below_the_api_there_are_no_pages() {
        let status = async |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty());
            serve(request.unwrap()).await.status().as_u16()
        };
        for (method, path, expected) in [
            (Method::GET, "/", 200),
            (Method::HEAD, "/lines/any", 200),
            (Method::GET, "/api", 404),
            (Method::GET, "/api/v1/nothing", 404),
            (Method::GET, "/api/docs", 200),
            (Method::GET, "/assets/none.js", 404),
            (Method::POST, "/lines", 405),
        ] {
            assert_eq!(status(method.clone(), path).await, expected, "{method} {path}");
        }
        assert!(file("../package.json", &HeaderMap::new()).is_none(), "nothing beside the folder is served");
    }
}
