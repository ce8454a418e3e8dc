//! Identifiers that every layer passes on.

/// Identifies a socket within the process. Ids are positive; a negative id can only come from a
/// caller.
pub(crate) type SocketId = i32;
