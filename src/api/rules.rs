//! Every rule of the schemas, accepting and refusing.
