//! Tests: what a plan says in each form.
