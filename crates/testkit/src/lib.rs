//! Starts servers, sandboxes and databases for the tests.
