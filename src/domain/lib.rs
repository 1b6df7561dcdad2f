//! Names and facts of password sync groups. No IO.
