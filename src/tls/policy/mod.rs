//! The records and hellos that Chromium refuses or skips and rustls does not.

pub(super) mod hello;
pub(super) mod records;
pub(super) mod refused;
