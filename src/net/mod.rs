//! From a host name to a connected TCP socket, and from an address to accepted ones.

pub(crate) mod attempt;
pub(crate) mod listener;
pub(crate) mod look_ups;
pub(crate) mod options;
pub(crate) mod resolver;
