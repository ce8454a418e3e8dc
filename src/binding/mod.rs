//! The class that JavaScript calls. It only converts values; [`table`](crate::table) has the calls.

mod client;
pub mod process;
mod server;
mod settings;

use std::sync::{Arc, Mutex, Weak};
use std::thread;

use napi::bindgen_prelude::{
    BufferSlice, Function, FunctionCallContext, Int32ArraySlice, Object, Result, Uint8ArraySlice,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Error, Status};
use napi_derive::napi;

use crate::event::Failure;
use crate::ids::SocketId;
use crate::socket::SocketInfo;
use crate::sync::lock;
use crate::table::SocketTable;
use crate::table::statistics::Statistics;

/// Wakes the JavaScript thread, which then requests events.
type Wake = ThreadsafeFunction<(), (), (), Status, false>;

/// The sockets of one instance of the module.
///
/// Each method with a `request` completes it exactly once, later, when JavaScript requests events.
/// `index.d.ts` documents the methods.
#[napi]
#[derive(Default)]
pub struct TcpSockets {
    /// Locked by the JavaScript thread only. The lock makes the table `Send`; no thread waits for
    /// it.
    table: Arc<Mutex<SocketTable>>,
    /// The function that wakes JavaScript, as long as the table is attached.
    wake: Mutex<Weak<Mutex<Wake>>>,
}

#[napi]
impl TcpSockets {
    /// An empty table.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Attaches the table to JavaScript until no call is pending and no socket is connected, which
    /// it reports as an event. The table calls `wake` when an event is available. While attached,
    /// it keeps the event loop alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API when there is no memory for the threadsafe function.
    #[napi(catch_unwind)]
    pub fn set_waker(&self, wake: Function<'_, (), ()>) -> Result<()> {
        let wake: Wake = wake.build_threadsafe_function::<()>().build()?;
        let wake = Arc::new(Mutex::new(wake));
        *lock(&self.wake) = Arc::downgrade(&wake);
        let wake_fn = move || {
            // Fails only while the environment ends, when no thread needs to be woken.
            let _ = lock(&wake).call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        lock(&self.table).attach(Box::new(wake_fn));
        Ok(())
    }

    /// Decides whether a socket keeps the event loop alive while it is connected.
    #[napi(catch_unwind)]
    pub fn set_referenced(&self, socket_id: SocketId, referenced: bool) {
        lock(&self.table).set_referenced(socket_id, referenced);
    }

    /// Whether the event loop should be kept alive.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn keeps_loop(&self) -> bool {
        lock(&self.table).keeps_loop()
    }

    /// Has an attached table keep the event loop alive, or not.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    #[napi(catch_unwind)]
    #[allow(
        deprecated,
        reason = "the alternatives release the function, which is still to be called"
    )]
    pub fn hold_loop(&self, env: &Env, held: bool) -> Result<()> {
        let Some(wake) = lock(&self.wake).upgrade() else {
            return Ok(());
        };
        let mut wake = lock(&wake);
        if held {
            wake.refer(env)
        } else {
            wake.unref(env)
        }
    }

    /// The functions that are called for every message. As methods they would cost several times as
    /// much.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    #[napi(
        catch_unwind,
        ts_return_type = "{
    next(turned: boolean): number
    take(target: Uint8Array): number
    send(request: number, socketId: number, data: Uint8Array): void
    sendGathered(first: number, count: number, headers: Int32Array, bytes: Uint8Array): boolean
    sendSmall(request: number, socketId: number, length: number, bytes: Uint8Array): boolean
  }"
    )]
    pub fn functions<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let mut functions = Object::new(env)?;

        // Returns the next event, see `Next`. `turned` says whether the event loop has turned since
        // the last call.
        let table = Arc::clone(&self.table);
        let next = move |call: FunctionCallContext<'_>| {
            let turned = call.first_arg()?;
            let mut table = lock(&table);
            let (number, polls_again) = table.next_number(turned);
            drop(table);
            if polls_again {
                thread::yield_now();
            }
            Ok(number)
        };
        let next: Function<'_, (), f64> = env.create_function_from_closure("next", next)?;
        functions.set("next", next)?;

        // Fills `target`, which has the announced length, with received bytes. Returns their
        // number.
        let table = Arc::clone(&self.table);
        let take = move |call: FunctionCallContext<'_>| {
            let mut target: BufferSlice<'_> = call.first_arg()?;
            Ok(u32::try_from(lock(&table).take(&mut target)).unwrap_or(0))
        };
        let take: Function<'_, (), u32> = env.create_function_from_closure("take", take)?;
        functions.set("take", take)?;

        // Copies the part of `data` that cannot be written at once.
        let table = Arc::clone(&self.table);
        let send = move |call: FunctionCallContext<'_>| {
            let (request, socket_id, data): (u32, SocketId, Uint8ArraySlice<'_>) = call.args()?;
            call_on(&table, socket_id, |table| {
                table.send(request.into(), socket_id, &data);
            });
            Ok(())
        };
        let send: Function<'_, (), ()> = env.create_function_from_closure("send", send)?;
        functions.set("send", send)?;

        // `count` sends, whose requests are numbered from `first`. `headers` alternates sockets and
        // lengths; `bytes` holds the data of all sends. Returns whether all sends have succeeded
        // and JavaScript must complete them before it requests the next event.
        let table = Arc::clone(&self.table);
        let send_gathered = move |call: FunctionCallContext<'_>| {
            let (first, count): (u32, u32) = (call.get(0)?, call.get(1)?);
            let headers: Int32ArraySlice<'_> = call.get(2)?;
            let bytes: Uint8ArraySlice<'_> = call.get(3)?;
            let (headers, _) = headers.as_chunks();
            let headers = headers.get(..count as usize).unwrap_or(headers);
            Ok(call_in(&table, |table| {
                for &[socket_id, _] in headers {
                    table.adopt(socket_id);
                }
                table.send_gathered(first, headers, &bytes)
            }))
        };
        let send_gathered: Function<'_, (), bool> =
            env.create_function_from_closure("sendGathered", send_gathered)?;
        functions.set("sendGathered", send_gathered)?;

        // A batch of one send, which has the first `length` bytes. Without an array of headers, the call
        // takes 400 instructions fewer.
        let table = Arc::clone(&self.table);
        let send_small = move |call: FunctionCallContext<'_>| {
            let (request, socket_id, length): (u32, SocketId, i32) =
                (call.get(0)?, call.get(1)?, call.get(2)?);
            let bytes: Uint8ArraySlice<'_> = call.get(3)?;
            Ok(call_on(&table, socket_id, |table| {
                table.send_gathered(request, &[[socket_id, length]], &bytes)
            }))
        };
        let send_small: Function<'_, (), bool> =
            env.create_function_from_closure("sendSmall", send_small)?;
        functions.set("sendSmall", send_small)?;

        Ok(functions)
    }

    /// The failure of the request that was delivered last.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_failure(&self) -> Option<FailedCall> {
        let Failure { code, message } = lock(&self.table).take_failure()?;
        let message = message.into_owned();
        Some(FailedCall { code, message })
    }

    /// The counters of this environment.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn stats(&self) -> Statistics {
        lock(&self.table).statistics()
    }

    /// Ends all sockets. Persistent ones become orphans.
    #[napi(catch_unwind)]
    pub fn end(&self) {
        lock(&self.table).end();
    }

    fn call_on<T>(&self, socket_id: SocketId, action: impl FnOnce(&mut SocketTable) -> T) -> T {
        call_on(&self.table, socket_id, action)
    }

    fn call<T>(&self, action: impl FnOnce(&mut SocketTable) -> T) -> T {
        call_in(&self.table, action)
    }
}

/// Calls with a socket. A socket without an owner is adopted first.
fn call_on<T>(
    table: &Mutex<SocketTable>,
    socket_id: SocketId,
    action: impl FnOnce(&mut SocketTable) -> T,
) -> T {
    call_in(table, |table| {
        table.adopt(socket_id);
        action(table)
    })
}

fn call_in<T>(table: &Mutex<SocketTable>, action: impl FnOnce(&mut SocketTable) -> T) -> T {
    let mut table = lock(table);
    let result = action(&mut table);
    table.wake_if_news();
    result
}

/// An array in JSON. Never fails: the descriptions consist of texts, numbers and Booleans.
fn json_of(infos: &[SocketInfo]) -> Result<String> {
    serde_json::to_string(infos).map_err(|error| Error::from_reason(error.to_string()))
}

/// The failure of a request.
#[napi(object, object_from_js = false)]
pub struct FailedCall {
    /// The result code for the callback. `None`: the callback gets no argument.
    pub code: Option<i32>,
    /// The text of `chrome.runtime.lastError`.
    pub message: String,
}

impl Drop for TcpSockets {
    /// Ends the sockets when the environment ends or the instance is collected, except for
    /// persistent ones.
    fn drop(&mut self) {
        lock(&self.table).end();
    }
}
