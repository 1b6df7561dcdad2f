//! A tenant that is not there: same wire API, same rules, hostile on demand.
