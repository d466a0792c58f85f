//! HTTP: routes, authentication, live events, OpenAPI, the embedded web UI.
