//! What somebody can do who means harm, or whose token was stolen, and what stops him: the table in
//! SECURITY.md, tried.
//!
//! [`watched`] says how the operator and a neighbour fare while [`author`], [`tenant_owner`] and
//! [`pod`] try to stop it, each alone and, in [`together`], all at once.

mod author;
mod operator_token;
mod pod;
mod roles;
mod tenant_owner;
mod together;
mod watched;
