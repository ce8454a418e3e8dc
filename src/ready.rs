//! Readiness of sockets, and system calls on them.

use std::io;

/// Makes a write to a closed connection fail with an error instead of raising a signal.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) const SEND_FLAGS: i32 = 0;

/// Reading or writing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// The directions in which a socket has become ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) read: bool,
    pub(crate) write: bool,
    /// A short read does not mean that the socket is drained: the peer has ended the stream, or has
    /// sent urgent data, at which reads stop.
    pub(crate) read_until_would_block: bool,
}

impl Ready {
    /// The poller may not have reported the socket yet. The next read tells.
    pub(crate) const TO_BE_READ: Self = Self {
        read: true,
        write: false,
        read_until_would_block: true,
    };
}

/// Repeats a system call that a signal interrupted, as Chromium does.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_repeated_and_other_errors_are_returned() {
        let mut results = [
            Err(io::ErrorKind::Interrupted.into()),
            Err(io::ErrorKind::Interrupted.into()),
            Ok(7),
            Err(io::ErrorKind::WouldBlock.into()),
        ]
        .into_iter();
        let mut call = || results.next().unwrap();
        assert_eq!(uninterrupted(&mut call).unwrap(), 7);
        let error = uninterrupted(&mut call).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
