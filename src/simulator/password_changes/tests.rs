//! What these rules are held to: the sentences of the admin guide, and that no password is seen.
//! Tests only.

mod canary;
mod guide_reach;
mod guide_trouble;
mod steps;
