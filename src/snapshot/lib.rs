//! One living picture of a tenant, read by pages, merged with our own writes.
