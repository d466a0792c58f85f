//! Starts servers, sandboxes and databases for the tests: everything real, over HTTP, on free ports.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail at once")]

mod browser;
mod client;
mod database;
mod logs;
mod sandbox;
mod server;
mod signing;
mod smtp;

pub use browser::Browser;
pub use client::{Answer, Client};
pub use database::{Database, Engine, rows_of};
pub use logs::record_logs;
pub use sandbox::{ACCOUNT, ASSISTANT_NAME, FRENCH, KEY, NUMBER, SandboxClient, TOKEN};
pub use server::{PASSWORD, TestServer};
pub use signing::{hmac_sha256, sha256, twilio_signature};
pub use smtp::MailServer;

/// Declares tests that run on both database engines, each with a server of its own; `with f;` before them has `f` change
/// its configuration.
#[macro_export]
macro_rules! on_each_engine {
    ($( $(#[$meta:meta])* async fn $name:ident($world:ident: TestServer) $body:block )+) => {
        $crate::on_each_engine! { with |_| (); $( $(#[$meta])* async fn $name($world: TestServer) $body )+ }
    };
    (with $tweak:expr; $( $(#[$meta:meta])* async fn $name:ident($world:ident: TestServer) $body:block )+) => {
        $( $crate::on_each_engine! { @one ($tweak) $(#[$meta])* async fn $name($world: TestServer) $body } )+
    };
    (@one ($tweak:expr) $(#[$meta:meta])* async fn $name:ident($world:ident: TestServer) $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn run($world: $crate::TestServer) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                if let Some(world) = $crate::TestServer::start_with($crate::Engine::Sqlite, $tweak).await {
                    run(world).await;
                }
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(world) = $crate::TestServer::start_with($crate::Engine::Postgres, $tweak).await {
                    run(world).await;
                }
            }
        }
    };
}
