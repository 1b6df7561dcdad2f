//! Typed client of the identity API.
