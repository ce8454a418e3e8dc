//! Events for JavaScript: completed requests and socket events. JavaScript requests them one at a
//! time, except for successes in a row, and gets a number. The objects that an application sees are
//! created in JavaScript, which is faster and puts them into the application's realm.

use std::borrow::Cow;

use crate::ids::SocketId;
use crate::net_error::NetError;

/// A call of JavaScript that has no result yet. Whoever is to complete the call owns it, and
/// completing it consumes it: it cannot be completed twice. Only a call that comes from JavaScript
/// makes one.
#[must_use = "a call that is dropped has no result"]
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Request(u32);

impl Request {
    /// The number, by which a notice of the runtime names a call that the table owns.
    pub(crate) const fn number(&self) -> u32 {
        self.0
    }
}

/// The call of this number has come from JavaScript.
impl From<u32> for Request {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

/// One delivery to JavaScript.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// A request has completed.
    Complete {
        request: Request,
        /// Its result.
        outcome: Outcome,
    },
    /// `onReceive`: bytes are ready to be [taken](crate::table::SocketTable::take).
    Receive {
        /// The socket that received.
        socket_id: SocketId,
        /// The number of bytes, at most the socket's buffer size.
        length: usize,
    },
    /// `onReceiveError`
    ReceiveError {
        /// The socket that stopped receiving.
        socket_id: SocketId,
        /// The reason that Chromium reports.
        error: NetError,
        /// Why the connection did not end in order. Chromium does not tell; streams and iterators do.
        cause: Option<NetError>,
    },
    /// `onAccept`
    Accept {
        /// The server socket that has accepted a connection.
        socket_id: SocketId,
        /// The socket of the connection.
        client_id: SocketId,
    },
    /// `onAcceptError`
    AcceptError {
        /// The server socket that stopped accepting.
        socket_id: SocketId,
        /// The reason.
        error: NetError,
    },
    /// No call is pending and no socket is connected: the threadsafe function is released.
    Detached,
}

/// The answer to "what comes next?".
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// An event.
    Event(Event),
    /// No event. The waker tells JavaScript of the next one.
    Nothing,
    /// An event is available, but the event loop must turn first.
    Turn,
    /// A reply is expected shortly: ask again in the next turn of the event loop.
    PollAgain,
}

/// The result of a request.
pub(crate) type Outcome = Result<(), Failure>;

/// The failure of a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// The result code for the callback. `None`: the callback gets no argument.
    pub(crate) code: Option<i32>,
    /// The text of `chrome.runtime.lastError`.
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    /// A failure that the callback learns only from `chrome.runtime.lastError`.
    pub(crate) const fn without_code(message: &'static str) -> Self {
        Self {
            code: None,
            message: Cow::Borrowed(message),
        }
    }

    /// A failure whose message differs from the name of its code.
    pub(crate) const fn worded(error: NetError, message: &'static str) -> Self {
        Self {
            code: Some(error.code()),
            message: Cow::Borrowed(message),
        }
    }
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        Self {
            code: Some(error.code()),
            message: error.name().into(),
        }
    }
}

/// The encoding of an event, which `lib/native/pump.js` decodes: bits 0 to 31 hold the request or
/// socket, bits 32 to 34 the kind, and the 18 bits above the detail (a length, or two error
/// codes without their signs in 9 bits each: below the reported one, above the cause or 0).
#[napi_derive::napi]
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "Node-API exports it")]
pub enum EventKind {
    /// A request has succeeded. The detail says how many of the requests numbered directly after it
    /// have succeeded, too. JavaScript completes each in a job of its own before it requests the next
    /// event.
    Succeeded,
    /// A request has failed.
    Failed,
    /// `onReceive`
    Receive,
    /// `onReceiveError`
    ReceiveError,
    /// The threadsafe function is released.
    Detached,
    /// No event is available.
    Nothing,
    /// The event loop must turn first. Also for [`Next::PollAgain`]: JavaScript does the same.
    Turn,
    /// `onAccept` or `onAcceptError`. The detail is 0 if a connection was accepted, and JavaScript takes
    /// its identifier. Otherwise it is the error code without its sign.
    Accept,
}

impl Next {
    /// Encodes the event, with the number of successes that [follow](EventKind::Succeeded) a success.
    /// Returns the number, and the failure that does not fit into it.
    #[allow(
        clippy::cast_precision_loss,
        reason = "53 bits, which is what a number of JavaScript has"
    )]
    pub(crate) fn into_number(self, following: u32) -> (f64, Option<Failure>) {
        let mut failure = None;
        let (kind, id, detail) = match self {
            Self::Event(Event::Complete { request, outcome }) => {
                failure = outcome.err();
                match &failure {
                    Some(_) => (EventKind::Failed, request.number(), 0),
                    None => (EventKind::Succeeded, request.number(), following.into()),
                }
            }
            Self::Event(Event::Receive { socket_id, length }) => {
                (EventKind::Receive, socket_id.cast_unsigned(), length as u64)
            }
            Self::Event(Event::ReceiveError {
                socket_id,
                error,
                cause,
            }) => {
                let code = error.code().unsigned_abs();
                let cause = cause.map_or(0, |cause| cause.code().unsigned_abs());
                let detail = u64::from(cause) << 9 | u64::from(code);
                (EventKind::ReceiveError, socket_id.cast_unsigned(), detail)
            }
            Self::Event(Event::Accept { socket_id, .. }) => {
                (EventKind::Accept, socket_id.cast_unsigned(), 0)
            }
            Self::Event(Event::AcceptError { socket_id, error }) => {
                let code = error.code().unsigned_abs();
                (EventKind::Accept, socket_id.cast_unsigned(), code.into())
            }
            Self::Event(Event::Detached) => (EventKind::Detached, 0, 0),
            Self::Nothing => (EventKind::Nothing, 0, 0),
            Self::Turn | Self::PollAgain => (EventKind::Turn, 0, 0),
        };
        let number = ((detail << 3 | kind as u64) << 32) | u64::from(id);
        (number as f64, failure)
    }
}

/// The kind, identifier and detail of an event, as `lib/native/pump.js` decodes them.
#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "which is how they are read"
)]
pub(crate) fn decode(number: f64) -> (u64, u32, u64) {
    let number = number as u64;
    (number >> 32 & 7, number as u32, number >> 35)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(next: Next) -> (u64, u32, u64) {
        decode(next.into_number(0).0)
    }

    #[test]
    fn an_event_is_packed_into_one_number() {
        let complete = |number: u32, outcome| {
            let request = number.into();
            Next::Event(Event::Complete { request, outcome })
        };
        let failed = Failure::without_code("Socket not found");
        let most = (1 << 18) - 1;
        let receive = |socket_id, length| Next::Event(Event::Receive { socket_id, length });
        let error = NetError::ConnectionClosed;
        let receive_error = |socket_id, cause| {
            Next::Event(Event::ReceiveError {
                socket_id,
                error,
                cause,
            })
        };
        let reset = Some(NetError::ConnectionReset);
        assert_eq!(read(complete(u32::MAX, Ok(()))), (0, u32::MAX, 0));
        assert_eq!(read(complete(7, Err(failed))), (1, 7, 0));
        let (with_following, _) = complete(8, Ok(())).into_number(7);
        assert_eq!(decode(with_following), (0, 8, 7));
        assert_eq!(
            read(receive(SocketId::MAX, most)),
            (2, 0x7fff_ffff, 0x3ffff)
        );
        assert_eq!(read(receive(1, 1)), (2, 1, 1));
        assert_eq!(read(receive_error(2, None)), (3, 2, 100));
        let both = 100 + 512 * 101;
        assert_eq!(read(receive_error(2, reset)), (3, 2, both));
        assert_eq!(read(Next::Event(Event::Detached)), (4, 0, 0));
        assert_eq!(read(Next::Nothing), (5, 0, 0));
        assert_eq!(read(Next::Turn), (6, 0, 0));
        assert_eq!(read(Next::PollAgain), (6, 0, 0));
        let accept = Event::Accept {
            socket_id: 3,
            client_id: 4,
        };
        assert_eq!(read(Next::Event(accept)), (7, 3, 0));
        let (socket_id, error) = (3, NetError::InsufficientResources);
        let accept_error = Event::AcceptError { socket_id, error };
        assert_eq!(read(Next::Event(accept_error)), (7, 3, 12));
    }

    #[test]
    fn a_failure_is_returned_beside_its_number() {
        let failure = || Failure::from(NetError::ConnectionClosed);
        let outcome = Err(failure());
        let (_, beside) = Next::Event(Event::Complete {
            request: 1.into(),
            outcome,
        })
        .into_number(0);
        assert_eq!(beside, Some(failure()));
    }
}
