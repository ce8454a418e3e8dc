//! What JavaScript is told: the ends of its requests and the events of its sockets, each delivered
//! by one call of the dispatcher with primitives (the objects that an app sees are made in
//! JavaScript, which is faster and gives them the app's own realm).

use std::borrow::Cow;

use napi::bindgen_prelude::{ArrayBuffer, BufferSlice, Result, ToNapiValue, sys};
use napi::{Env, JsValue};

use crate::net_error::NetError;
use crate::socket::SocketId;

/// One delivery to JavaScript.
#[derive(Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// A request has ended.
    Complete {
        /// The number that JavaScript gave the request.
        request: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// `onReceive`
    Receive {
        /// The socket that received.
        socket_id: SocketId,
        /// What it received: at most its buffer size.
        data: &'a [u8],
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
    /// An answer may come at once: JavaScript should look for it before it goes to sleep.
    Linger,
}

/// How a request ended.
pub(crate) type Outcome = std::result::Result<(), Failure>;

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

/// The kinds of events, as `lib/requests.js` knows them.
const COMPLETE: i32 = 0;
const RECEIVE: i32 = 1;
const RECEIVE_ERROR: i32 = 2;
const DETACHED: i32 = 3;
const LINGER: i32 = 4;

/// From this size on, filling an `ArrayBuffer` with zeros first costs more than making a `Buffer`
/// around one that is not.
const LARGE: usize = 16 * 1024;

impl Event<'_> {
    /// The arguments of the call of the dispatcher that delivers this: kind, id, code and payload.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub(crate) fn into_values(self, env: Env) -> Result<Vec<sys::napi_value>> {
        let number = |value: i32| env.create_int32(value).map(|number| number.raw());
        Ok(match self {
            Event::Complete { request, outcome } => {
                let mut values = Vec::with_capacity(4);
                values.push(number(COMPLETE)?);
                values.push(env.create_uint32(request)?.raw());
                match outcome {
                    Ok(()) => values.push(number(0)?),
                    Err(Failure { code, message }) => {
                        values.push(match code {
                            Some(code) => number(code)?,
                            None => ().into_unknown(&env)?.raw(),
                        });
                        values.push(env.create_string(&message)?.raw());
                    }
                }
                values
            }
            Event::Receive { socket_id, data } => vec![
                number(RECEIVE)?,
                number(socket_id)?,
                number(0)?,
                if data.len() < LARGE {
                    ArrayBuffer::copy_from(&env, data)?.raw()
                } else {
                    BufferSlice::copy_from(&env, data)?.raw()
                },
            ],
            Event::ReceiveError { socket_id, error } => {
                vec![
                    number(RECEIVE_ERROR)?,
                    number(socket_id)?,
                    number(error.code())?,
                ]
            }
            Event::Detached => vec![number(DETACHED)?],
            Event::Linger => vec![number(LINGER)?],
        })
    }
}
