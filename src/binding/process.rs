//! Functions of the process: they need no environment.

use std::sync::atomic::{AtomicBool, Ordering};

use napi_derive::napi;

use crate::net_error::NetError;
use crate::{runtime, table, tls};

/// Waits for a bounded time until the bytes sent on closed connections have arrived, which the end
/// of the process could prevent. `process_ends` says that persistent sockets end, too.
#[napi(catch_unwind)]
pub fn settle(process_ends: bool) {
    if process_ends {
        table::orphans::end();
    }
    runtime::closing::settle();
}

/// The name of a net error, such as `ERR_FAILED`, and its number.
#[napi(object, object_from_js = false)]
pub struct NamedCode {
    /// Without `net::`.
    pub name: &'static str,
    /// Negative.
    pub code: i32,
}

/// All net errors, in Chromium's order.
#[napi(catch_unwind)]
#[must_use]
pub fn net_errors() -> Vec<NamedCode> {
    let named = |error: &NetError| NamedCode {
        name: error.name().trim_start_matches("net::"),
        code: error.code(),
    };
    NetError::ALL.iter().map(named).collect()
}

/// Problems with the certificate files that environment variables name. Returned once, after the
/// first `secure()` has loaded the files.
#[napi(catch_unwind)]
#[must_use]
pub fn take_trust_warnings() -> Vec<String> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let warnings = tls::trust::warnings();
    if warnings.is_empty() || TAKEN.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    warnings.to_vec()
}
