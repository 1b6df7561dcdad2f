//! One operation with its arguments, and its answer. No IO.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::request::{Query, Request, Response};

/// How the answer to a read is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lies {
    pub(crate) lag: u64,
    pub(crate) shift: i64,
    pub(crate) total: i64,
    /// The list repeats its first row at its end.
    pub(crate) twice: bool,
}

/// One operation to carry out.
pub(crate) struct Call<'a> {
    pub(crate) id: &'a str,
    pub(crate) query: Query,
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
    pub(crate) lies: Lies,
}

/// Leaves out unset fields that may be absent by the vendor's schema, but may not be null.
pub(crate) fn leave_out_null(body: &mut Map<String, Value>, fields: &[&str]) {
    body.retain(|name, value| !value.is_null() || !fields.contains(&name.as_str()));
}

/// The answer of an operation that was carried out.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) total: Option<i64>,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Some(body),
            total: None,
        }
    }

    pub(crate) fn page(rows: Vec<Value>, total: Option<i64>) -> Self {
        Self {
            total,
            ..Self::ok(Value::Array(rows))
        }
    }

    pub(crate) fn no_content() -> Self {
        Self {
            status: 204,
            body: None,
            total: None,
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = match &self.body {
            Some(body) => Response::json(self.status, body),
            None => Response::empty(self.status),
        };
        if let Some(total) = self.total {
            response.set_header("x-total-count", &total.to_string());
        }
        response
    }
}
