//! Wakes the JavaScript thread for notices of the runtime and for ready sockets, and decides when it
//! polls for them.

pub(crate) mod budget;
pub(crate) mod busy_poll;
pub(crate) mod mailbox;
pub(crate) mod notice;
pub(crate) mod readiness;
