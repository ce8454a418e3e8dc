//! What JavaScript is told: the ends of its requests and the events of its sockets. It asks for them
//! one by one and is answered by a number (the objects that an app sees are made in JavaScript, which
//! is faster and gives them the app's own realm).

use std::borrow::Cow;

use crate::net_error::NetError;
use crate::socket::SocketId;

/// One delivery to JavaScript.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// A request has ended.
    Complete {
        /// The number that JavaScript gave the request.
        request: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// `onReceive`: there are bytes to [take](crate::table::SocketTable::take).
    Receive {
        /// The socket that received.
        socket_id: SocketId,
        /// How many: at most its buffer size.
        length: usize,
    },
    /// `onReceiveError`
    ReceiveError {
        /// The socket that receives no more.
        socket_id: SocketId,
        /// Why.
        error: NetError,
    },
    /// Nothing is pending or connected any more and the threadsafe function is released.
    Detached,
}

/// The answer to the question what comes next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// This.
    Event(Event),
    /// Nothing, until the bell rings.
    Nothing,
    /// Something, but the event loop should turn first.
    Turn,
    /// Perhaps something in a moment: ask again in the next turn of the event loop.
    Linger,
}

/// How a request ended.
pub(crate) type Outcome = Result<(), Failure>;

/// A request that failed.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// The code that the callback is given. None: the callback is given no argument at all.
    pub(crate) code: Option<i32>,
    /// The text of `chrome.runtime.lastError`.
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    /// A failure of which the callback learns by `chrome.runtime.lastError` only.
    pub(crate) const fn without_code(message: &'static str) -> Self {
        Self {
            code: None,
            message: Cow::Borrowed(message),
        }
    }

    /// A failure whose text says more than the name of its code.
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

/// What a number means, as `lib/native.js` knows it: the kind is in the bits 32 to 34, the detail in
/// the 18 bits above (a length, or the code of an error without its sign), the request or socket in
/// the 32 bits below.
#[derive(Clone, Copy)]
enum Kind {
    Succeeded,
    Failed,
    Receive,
    ReceiveError,
    Detached,
    Nothing,
    Turn,
    Linger,
}

impl Next {
    /// The number, and the failure that it cannot hold.
    #[allow(
        clippy::cast_precision_loss,
        reason = "53 bits, which is what a number of JavaScript has"
    )]
    pub(crate) fn into_number(self) -> (f64, Option<Failure>) {
        let mut failure = None;
        let (kind, id, detail) = match self {
            Self::Event(Event::Complete { request, outcome }) => {
                failure = outcome.err();
                let kind = match &failure {
                    Some(_) => Kind::Failed,
                    None => Kind::Succeeded,
                };
                (kind, request, 0)
            }
            Self::Event(Event::Receive { socket_id, length }) => {
                (Kind::Receive, socket_id.cast_unsigned(), length as u64)
            }
            Self::Event(Event::ReceiveError { socket_id, error }) => {
                let code = error.code().unsigned_abs();
                (Kind::ReceiveError, socket_id.cast_unsigned(), code.into())
            }
            Self::Event(Event::Detached) => (Kind::Detached, 0, 0),
            Self::Nothing => (Kind::Nothing, 0, 0),
            Self::Turn => (Kind::Turn, 0, 0),
            Self::Linger => (Kind::Linger, 0, 0),
        };
        let number = ((detail << 3 | kind as u64) << 32) | u64::from(id);
        (number as f64, failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, identifier and detail, as `lib/native.js` reads them.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "which is how they are read"
    )]
    fn read(next: Next) -> (u64, u32, u64) {
        let number = next.into_number().0 as u64;
        (number >> 32 & 7, number as u32, number >> 35)
    }

    #[test]
    fn a_number_holds_all_of_an_event() {
        let complete = |request, outcome| Next::Event(Event::Complete { request, outcome });
        let failed = Failure::without_code("Socket not found");
        let most = (1 << 18) - 1;
        let receive = |socket_id, length| Next::Event(Event::Receive { socket_id, length });
        let error = NetError::ConnectionClosed;
        let receive_error = |socket_id| Next::Event(Event::ReceiveError { socket_id, error });
        assert_eq!(read(complete(u32::MAX, Ok(()))), (0, u32::MAX, 0));
        assert_eq!(read(complete(7, Err(failed))), (1, 7, 0));
        assert_eq!(
            read(receive(SocketId::MAX, most)),
            (2, 0x7fff_ffff, 0x3ffff)
        );
        assert_eq!(read(receive(1, 1)), (2, 1, 1));
        assert_eq!(read(receive_error(2)), (3, 2, 100));
        assert_eq!(read(Next::Event(Event::Detached)), (4, 0, 0));
        assert_eq!(read(Next::Nothing), (5, 0, 0));
        assert_eq!(read(Next::Turn), (6, 0, 0));
        assert_eq!(read(Next::Linger), (7, 0, 0));
    }

    #[test]
    fn a_failure_comes_beside_its_number() {
        let failure = || Failure::from(NetError::ConnectionClosed);
        let outcome = Err(failure());
        let (_, beside) = Next::Event(Event::Complete {
            request: 1,
            outcome,
        })
        .into_number();
        assert_eq!(beside, Some(failure()));
    }
}
