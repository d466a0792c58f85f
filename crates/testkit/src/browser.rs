//! A browser as far as servers see one: it keeps cookies, and says that its requests come from our own pages.

use crate::client::{Answer, Client};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// A client with cookies.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client,
    /// Its cookies, by name.
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    /// One that has never been here.
    pub fn new(nobody: &Client) -> Self {
        Self { client: nobody.with("sec-fetch-site", "same-origin"), cookies: BTreeMap::new() }
    }

    /// The same with that header on every request.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self { client: self.client.with(name, value), cookies: self.cookies.clone() }
    }

    /// Sends a request with the cookies, and keeps those of the answer.
    pub async fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let client = if pairs.is_empty() {
            self.client.clone()
        } else {
            self.client.with("cookie", &pairs.join("; "))
        };
        let request = client.request(method, path);
        let answer = client.send(body.into_iter().fold(request, |request, body| request.json(body))).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            match cookie.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    /// `GET`
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `POST`
    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(&body)).await
    }
}
