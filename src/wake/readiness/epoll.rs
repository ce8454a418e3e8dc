//! Two nested epoll sets. The inner set holds the sockets of an environment and is polled by the
//! JavaScript thread. The gate holds only the inner set. The runtime watches the gate, which opens
//! once each time it is armed.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::Readiness;
use crate::ids::SocketId;
use crate::ready::{Direction, Ready};
use crate::runtime;
use crate::wake::mailbox::Mailbox;

/// The most sockets that one system call reports. The next call reports the rest.
const EVENTS: usize = 256;

/// Events that set [`Ready::read_until_would_block`].
const STOPS_READS_EARLY: EventFlags = EventFlags::RDHUP.union(EventFlags::PRI);

const NO_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Tracks which sockets of one environment are ready.
pub(crate) struct Poller {
    sockets: OwnedFd,
    gate: Arc<Gate>,
    watch: AbortHandle,
}

struct Gate {
    epoll: AsyncFd<OwnedFd>,
    armed: AtomicBool,
}

impl Poller {
    /// A poller that wakes the JavaScript thread through `mailbox`.
    ///
    /// # Errors
    ///
    /// Those of `epoll_create` without free descriptors, and those of the runtime.
    pub(crate) fn new(mailbox: &Arc<Mailbox>) -> io::Result<Self> {
        let sockets = epoll::create(CreateFlags::CLOEXEC)?;
        let gate = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&gate, &sockets, EventData::new_u64(0), EventFlags::ONESHOT)?;
        let runtime = runtime::handle()?;
        let _context = runtime.enter();
        #[expect(
            deprecated,
            reason = "unsound for other types; an OwnedFd is what it takes"
        )]
        let gate = Arc::new(Gate {
            epoll: AsyncFd::with_interest(gate, Interest::READABLE)?,
            armed: AtomicBool::new(false),
        });
        let watch = runtime.spawn(watch(Arc::clone(&gate), Arc::clone(mailbox)));
        Ok(Self {
            sockets,
            gate,
            watch: watch.abort_handle(),
        })
    }

    /// Watches a socket until it is closed or released.
    ///
    /// # Errors
    ///
    /// Those of `epoll_ctl`.
    pub(crate) fn watch(&self, socket: Socket, socket_id: SocketId) -> io::Result<PolledSocket> {
        let flags = EventFlags::IN | EventFlags::OUT | STOPS_READS_EARLY | EventFlags::ET;
        let data = EventData::new_u64(u64::from(socket_id.cast_unsigned()));
        epoll::add(&self.sockets, &socket, data, flags)?;
        Ok(PolledSocket {
            socket,
            readiness: Readiness::NEW,
        })
    }

    /// Stops watching a socket.
    ///
    /// # Errors
    ///
    /// Those of `epoll_ctl`.
    pub(crate) fn forget(&self, socket: PolledSocket) -> io::Result<Socket> {
        epoll::delete(&self.sockets, &socket.socket)?;
        Ok(socket.socket)
    }

    /// Releases a socket to the runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forget`] and of the runtime.
    pub(crate) fn release(&self, socket: PolledSocket) -> io::Result<TcpStream> {
        let socket = self.forget(socket)?;
        let _context = runtime::handle()?.enter();
        TcpStream::from_std(socket.into())
    }

    /// Appends the sockets that have become ready since the last call, in that order.
    pub(crate) fn collect(&self, found: &mut VecDeque<(SocketId, Ready)>) {
        let mut events = [MaybeUninit::<Event>::uninit(); EVENTS];
        let Ok((events, _)) = epoll::wait(&self.sockets, &mut events, Some(&NO_TIME)) else {
            // The next call repeats an interrupted one.
            return;
        };
        found.extend(events.iter().map(|event| {
            let (data, flags) = (event.data.u64(), event.flags);
            let socket_id = u32::try_from(data).unwrap_or_default().cast_signed();
            let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            let ready = Ready {
                read: broken || flags.intersects(EventFlags::IN | STOPS_READS_EARLY),
                write: broken || flags.contains(EventFlags::OUT),
                read_until_would_block: broken || flags.intersects(STOPS_READS_EARLY),
            };
            (socket_id, ready)
        }));
    }

    /// Wakes the JavaScript thread when the next socket becomes ready, or at once if one is ready.
    pub(crate) fn arm(&self) {
        if !self.gate.armed.swap(true, Ordering::SeqCst) {
            // Cannot fail: both descriptors live as long as the poller.
            let _ = epoll::modify(
                self.gate.epoll.get_ref(),
                &self.sockets,
                EventData::new_u64(0),
                EventFlags::IN | EventFlags::ONESHOT,
            );
        }
    }

    /// Does nothing: [`Self::collect`] finds events while the gate is armed, too.
    #[expect(
        clippy::unused_self,
        reason = "the signature of the other implementation"
    )]
    pub(crate) fn disarm(&self) {}
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Wakes the JavaScript thread whenever the gate opens.
async fn watch(gate: Arc<Gate>, mailbox: Arc<Mailbox>) {
    while let Ok(mut ready) = gate.epoll.readable().await {
        let mut events = Vec::with_capacity(1);
        let _ = epoll::wait(
            gate.epoll.get_ref(),
            spare_capacity(&mut events),
            Some(&NO_TIME),
        );
        ready.clear_ready();
        if !events.is_empty() {
            gate.armed.store(false, Ordering::SeqCst);
            mailbox.wake();
        }
    }
}

/// A watched socket. Dropping it closes the descriptor.
pub(crate) struct PolledSocket {
    socket: Socket,
    pub(super) readiness: Readiness,
}

impl PolledSocket {
    /// The socket, for its options and addresses.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    /// Whether a transfer of `count` bytes, which was short, leaves no more to transfer: the next bytes
    /// cause the next event. Reads can stop early.
    pub(super) fn is_exhausted(&self, direction: Direction, _count: usize) -> bool {
        direction == Direction::Write || !self.readiness.read_until_would_block
    }

    /// Does nothing: epoll reports what happens from now on without being asked again.
    ///
    /// # Errors
    ///
    /// None on this platform.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "other platforms can fail"
    )]
    pub(super) fn ask_again(&mut self) -> io::Result<()> {
        Ok(())
    }
}
