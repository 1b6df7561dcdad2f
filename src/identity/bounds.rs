//! How much of a tenant's answers is kept at most.
//!
//! A user who may create an IdentityTenant chooses the server that answers, and all tenants share
//! the memory of the operator: the chart gives it 512 MiB. A picture of a tenant keeps three lists,
//! and during a new read the old and the new lists are in memory: six times [`MOST_BYTES`] is 192
//! MiB.

/// The most objects of one list. Some 5,000 sources are a large tenant; this is ten times as many.
pub const MOST_OBJECTS: usize = 50_000;

/// The most policy holders of one source. Usually there is one; each exception adds one.
pub const MOST_HOLDERS: usize = 1_000;

/// The most bytes that the objects of one list may take in memory. 50,000 sources with a name of
/// 100 bytes and a policy take some 20 MB, and so do as many groups of two sources.
pub const MOST_BYTES: usize = 32 << 20;

/// The most audit events of one search. Within the two hours that are looked at every few minutes, a
/// tenant of 100,000 people who change their passwords four times a year, on three sources, has some
/// 400.
pub const MOST_EVENTS: usize = 2_500;

/// The longest text that is kept: a name, an id or a status. The vendor documents no length; names
/// of 128 characters are what other tools allow.
pub const LONGEST_TEXT: usize = 1024;

/// The longest condition, as JSON, of an exception among a source's policies: some 200 pairs of an
/// attribute and a value.
pub const LONGEST_SELECTORS: usize = 16 << 10;

/// The most objects that the API puts on a page.
pub const PAGE_LIMIT: usize = 250;
