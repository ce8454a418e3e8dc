//! Two epoll sets, one inside the other. The inner one holds the sockets of an environment and is
//! asked by the JavaScript thread. The gate holds nothing but the inner one; the runtime watches
//! the gate, which opens once each time it is armed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::{Direction, Ready, uninterrupted};
use crate::mailbox::Mailbox;
use crate::runtime;
use crate::socket::SocketId;

/// Whether asking tells more than waiting to be woken.
pub(crate) const POLLS: bool = true;

/// How many sockets are found ready by one system call; the others by the next.
const EVENTS: usize = 256;

/// After these, see [`Ready::unclear`].
const UNCLEAR: EventFlags = EventFlags::RDHUP.union(EventFlags::PRI);

const NO_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Knows which sockets of one environment have become ready.
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
    /// A poller that rings the bell of `mailbox`.
    ///
    /// # Errors
    ///
    /// Those of `epoll_create` when there are no descriptors left, and of the runtime.
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

    /// Takes a socket under watch, until it is closed or taken away.
    ///
    /// # Errors
    ///
    /// Those of `epoll_ctl`.
    pub(crate) fn watch(&self, socket: Socket, socket_id: SocketId) -> io::Result<PolledSocket> {
        let flags = EventFlags::IN | EventFlags::OUT | UNCLEAR | EventFlags::ET;
        let data = EventData::new_u64(u64::from(socket_id.cast_unsigned()));
        epoll::add(&self.sockets, &socket, data, flags)?;
        Ok(PolledSocket {
            socket,
            // An event comes for what there is already.
            readable: false,
            // Only a write that did not fit tells otherwise.
            writable: true,
            unclear: false,
        })
    }

    /// Gives a socket to the runtime.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub(crate) fn release(&self, socket: PolledSocket) -> io::Result<TcpStream> {
        epoll::delete(&self.sockets, &socket.socket)?;
        let _context = runtime::handle()?.enter();
        TcpStream::from_std(socket.socket.into())
    }

    /// Appends the sockets that have become ready since the last call, in the order in which they
    /// have.
    pub(crate) fn collect(&self, found: &mut Vec<(SocketId, Ready)>) {
        let mut events = [MaybeUninit::<Event>::uninit(); EVENTS];
        let Ok((events, _)) = epoll::wait(&self.sockets, &mut events, Some(&NO_TIME)) else {
            // An interrupted call finds what there is the next time.
            return;
        };
        found.extend(events.iter().map(|event| {
            let (data, flags) = (event.data.u64(), event.flags);
            let socket_id = u32::try_from(data).unwrap_or_default().cast_signed();
            let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            let ready = Ready {
                read: broken || flags.intersects(EventFlags::IN | UNCLEAR),
                write: broken || flags.contains(EventFlags::OUT),
                unclear: broken || flags.intersects(UNCLEAR),
            };
            (socket_id, ready)
        }));
    }

    /// Has the bell rung when the next socket becomes ready, or at once if one is.
    pub(crate) fn arm(&self) {
        if !self.gate.armed.swap(true, Ordering::AcqRel) {
            // Cannot fail: both descriptors are there as long as this is.
            let _ = epoll::modify(
                self.gate.epoll.get_ref(),
                &self.sockets,
                EventData::new_u64(0),
                EventFlags::IN | EventFlags::ONESHOT,
            );
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Rings whenever the gate opens.
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
            gate.armed.store(false, Ordering::Release);
            mailbox.ring();
        }
    }
}

/// A socket under watch. Dropping it closes the descriptor.
pub(crate) struct PolledSocket {
    socket: Socket,
    readable: bool,
    writable: bool,
    /// See [`Ready::unclear`].
    unclear: bool,
}

impl PolledSocket {
    /// The socket itself, for its options and addresses.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    /// Notes what the poller has found.
    pub(crate) fn note(&mut self, ready: Ready) {
        self.readable |= ready.read;
        self.writable |= ready.write;
        self.unclear |= ready.unclear;
    }

    /// Whether an operation may succeed. If not, the poller will find the socket ready.
    pub(crate) fn is_ready(&mut self, direction: Direction) -> bool {
        *self.readiness(direction)
    }

    /// Runs an operation that moves up to `length` bytes; pending if it would have to wait.
    pub(super) fn attempt(
        &mut self,
        direction: Direction,
        length: usize,
        mut operation: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_ready(direction) {
            return Poll::Pending;
        }
        let result = uninterrupted(|| operation(&self.socket));
        let exhausted = match &result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *self.readiness(direction) = false;
                return Poll::Pending;
            }
            // The next event comes with the next bytes, but where reads are cut short.
            Ok(count) => *count < length && !(direction == Direction::Read && self.unclear),
            Err(_) => false,
        };
        if exhausted {
            *self.readiness(direction) = false;
        }
        Poll::Ready(result)
    }

    fn readiness(&mut self, direction: Direction) -> &mut bool {
        match direction {
            Direction::Read => &mut self.readable,
            Direction::Write => &mut self.writable,
        }
    }
}
