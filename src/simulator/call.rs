//! One operation on its way in, and its answer on the way out. No IO.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::request::{Query, Request, Response};

/// How a read lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lies {
    pub(crate) lag: u64,
    pub(crate) shift: i64,
    pub(crate) total: i64,
    /// The first row stands at the end of the list again.
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

/// Leaves out fields that nobody has set, where the vendor's schema allows that but no null.
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
