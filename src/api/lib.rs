//! The custom resources and their schemas; to and from domain.
