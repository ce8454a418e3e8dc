//! TLS: the handshake with Chromium's rules and result codes, and the encrypted connection after it.

pub(crate) mod bulk;
mod chromium_filter;
pub(crate) mod framing;
pub(crate) mod handshake;
mod inline;
mod migrate;
pub(crate) mod negotiation;
mod pipe;
mod policy;
pub(crate) mod secure_transport;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod trust;
pub(crate) mod verifier;
pub(crate) mod versions;
