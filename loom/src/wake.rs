//! The module of this name, in which a notice carries no more than a socket.

#[expect(dead_code, reason = "it is used by more than what is looked at here")]
#[path = "../../src/wake/mailbox.rs"]
pub(crate) mod mailbox;

pub(crate) mod notice {
    use crate::ids::SocketId;

    #[expect(dead_code, reason = "which socket it is does not matter here")]
    pub(crate) enum Notice {
        Readable(SocketId),
        Writable(SocketId),
        TaskDone(SocketId),
    }
}
