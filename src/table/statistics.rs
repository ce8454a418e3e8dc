//! The counters behind `stats()`. All but a few plain sums are derived from the state of the table.

use crate::runtime::closing;
use crate::socket::Connection;
use crate::table::SocketTable;
use crate::transport::Transport;

/// The result of `stats()`; see `stats.d.ts`.
#[allow(missing_docs, reason = "stats.d.ts says what each member is")]
#[napi_derive::napi(object, object_from_js = false)]
pub struct Statistics {
    pub sockets: i64,
    pub servers: i64,
    pub listening: i64,
    pub connected: i64,
    pub secured: i64,
    pub closing: i64,
    pub connects_started: i64,
    pub connects_failed: i64,
    pub accepted: i64,
    pub accepts_failed: i64,
    pub handshakes_started: i64,
    pub handshakes_failed: i64,
    pub bytes_received: i64,
    pub bytes_held: i64,
    pub bytes_sent: i64,
    pub bytes_pending: i64,
    pub sends_pending: i64,
    pub events_delivered: i64,
}

impl SocketTable {
    /// The current numbers.
    pub(crate) fn statistics(&self) -> Statistics {
        let [mut connecting, mut connected, mut securing, mut secured] = [0; 4];
        let [mut buffered, mut sends] = [0; 2];
        for socket in self.sockets.values() {
            match &socket.connection {
                Connection::Disconnected => {}
                Connection::Connecting { .. } => connecting += 1,
                Connection::Securing { .. } => {
                    connected += 1;
                    securing += 1;
                }
                Connection::Connected(link) => {
                    connected += 1;
                    if let Some(data) = &link.read_ahead {
                        buffered += data.bytes().len();
                    }
                    if let Transport::Secure(transport) = &link.transport {
                        secured += 1;
                        buffered += transport.buffered_bytes();
                    }
                }
            }
            sends += socket.writes.pending();
        }
        let servers = self.servers.values();
        let listening = servers.filter(|server| server.is_listening()).count();
        let counters = &self.counters;
        let failed = |started, succeeded, pending| number(started - succeeded - pending);
        Statistics {
            sockets: number(self.sockets.len()),
            servers: number(self.servers.len()),
            listening: number(listening),
            connected: number(connected),
            secured: number(secured),
            closing: number(closing::count()),
            connects_started: number(counters.connects_started),
            connects_failed: failed(
                counters.connects_started,
                counters.connects_succeeded,
                self.load.pending_lookups() + connecting,
            ),
            accepted: number(counters.accepted),
            accepts_failed: number(counters.accepts_failed),
            handshakes_started: number(counters.handshakes_started),
            handshakes_failed: failed(
                counters.handshakes_started,
                counters.handshakes_succeeded,
                securing,
            ),
            bytes_received: number(counters.bytes_received),
            bytes_held: number(buffered),
            bytes_sent: number(counters.bytes_sent),
            bytes_pending: number(self.load.queued_bytes()),
            sends_pending: number(sends),
            events_delivered: number(counters.events_delivered),
        }
    }
}

/// Converts a count for Node-API.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
