//! The decisions. Pure: no async, no IO, no clock, no log.
