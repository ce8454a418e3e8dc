//! TLS: the handshake with Chromium's rules and result codes, and the encrypted connection after it.

pub(crate) mod handshake;
pub(crate) mod negotiation;
mod policy;
pub(crate) mod record_ends;
pub(crate) mod secure_transport;
pub(crate) mod settings;
pub(crate) mod trust;
pub(crate) mod verifier;
pub(crate) mod versions;
