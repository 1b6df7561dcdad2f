//! The vendor's documented examples, word for word.
