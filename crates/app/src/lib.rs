//! The use cases: accounts, settings, lines, operations. Joins domain, store and providers; no HTTP types.
