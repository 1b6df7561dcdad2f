//! What somebody can do who means harm, or whose token was stolen, and what stops him: the table in
//! SECURITY.md, tried.

mod operator_token;
mod roles;
