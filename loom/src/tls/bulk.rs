//! `src/tls/pipe.rs` itself between models of its two ends, the task of `src/tls/bulk.rs` and the transport of
//! `src/tls/secure_transport.rs` and `migrate.rs`: the plaintext, the wake-ups both ways, the hand-over to
//! another environment, and how the JavaScript thread takes over again. Nothing is encrypted, a read or write
//! moves one byte, and the kernel is a lock.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::{Buf, BytesMut};
use loom::sync::{Mutex, Notify};
use loom::thread::{self, JoinHandle};

use crate::health::Health;
use crate::ready::Direction;
use crate::sync::lock;
use crate::tls::pipe::{BulkShared, PlaintextPipe, ReadState, wake};
use crate::wake::mailbox::{Mailbox, waker};
use crate::wake::notice::Notice;
use crate::{Sleep, model};

const SOCKET: i32 = 1;
const MAX_INBOUND: usize = 1;
const DATA: [u8; 2] = [1, 2];

/// A write to a connection that is gone.
#[derive(Debug, PartialEq)]
struct Broken;

/// The connection, as the kernel knows it.
#[derive(Default)]
struct Connection {
    incoming: VecDeque<u8>,
    ended: bool,
    outgoing: Vec<u8>,
    /// How many bytes more it takes.
    room: usize,
    reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The peer's side of it.
#[derive(Clone, Default)]
struct Kernel(Arc<Mutex<Connection>>);

impl Kernel {
    fn change(&self, change: impl FnOnce(&mut Connection)) {
        let mut connection = lock(&self.0);
        change(&mut connection);
        let wakers = [connection.reader.take(), connection.writer.take()];
        drop(connection);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn send(&self, byte: u8) {
        self.change(|connection| connection.incoming.push_back(byte));
    }

    /// None is the end.
    fn poll_read(&self, waker: &Waker) -> Poll<Option<u8>> {
        let mut connection = lock(&self.0);
        match connection.incoming.pop_front() {
            None if !connection.ended => {
                connection.reader = Some(waker.clone());
                Poll::Pending
            }
            read => Poll::Ready(read),
        }
    }

    fn poll_write(&self, byte: u8, waker: &Waker) -> Poll<Result<(), Broken>> {
        let mut connection = lock(&self.0);
        if connection.reset {
            return Poll::Ready(Err(Broken));
        }
        if connection.room == 0 {
            connection.writer = Some(waker.clone());
            return Poll::Pending;
        }
        connection.room -= 1;
        connection.outgoing.push(byte);
        Poll::Ready(Ok(()))
    }
}

struct BulkSession {
    kernel: Kernel,
    sending: BytesMut,
    taken: u64,
    decrypted: Vec<u8>,
    health: Health,
    small_reads: usize,
}

struct Task {
    shared: Arc<BulkShared<BulkSession>>,
    /// The module's `MAX_SMALL_READS`.
    settles_after: usize,
}

impl Drop for Task {
    fn drop(&mut self) {
        lock(&self.shared.pipe).abandon();
    }
}

impl Task {
    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let Self { shared, .. } = self;
        let mut session = lock(&shared.session);
        let Some(task) = session.as_mut() else {
            return Poll::Ready(());
        };
        lock(&shared.pipe).task = Some(context.waker().clone());
        let sent = task.send(&shared.pipe, context);
        if sent.is_err() {
            lock(&shared.pipe).read_on();
            task.health.fail_write();
        }
        task.receive(&shared.pipe, context);
        let mut pipe = lock(&shared.pipe);
        if pipe.readable() {
            pipe.wake_reader();
        }
        if sent.is_err() {
            pipe.health.fail_write();
            pipe.wake_writer();
        }
        if task.small_reads >= self.settles_after && task.is_idle() && pipe.is_idle() {
            pipe.hand_back();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// The runtime.
    fn run(self) {
        struct Thread(Notify);
        impl Wake for Thread {
            fn wake(self: Arc<Self>) {
                self.0.notify();
            }
        }
        let thread = Arc::new(Thread(Notify::new()));
        let waker = Waker::from(Arc::clone(&thread));
        while self.poll(&mut Context::from_waker(&waker)).is_pending() {
            thread.0.wait();
        }
    }
}

impl BulkSession {
    fn send(&mut self, pipe: &Mutex<PlaintextPipe>, context: &mut Context<'_>) -> Result<(), Broken> {
        loop {
            if self.sending.is_empty() {
                let Some(accepted) = lock(pipe).refill(&mut self.sending) else {
                    return Ok(());
                };
                self.taken = accepted;
            }
            let Some(&byte) = self.sending.first() else {
                break;
            };
            match self.kernel.poll_write(byte, context.waker()) {
                Poll::Ready(result) => result?,
                Poll::Pending => return Ok(()),
            }
            self.sending.advance(1);
        }
        lock(pipe).progress(self.taken, 1);
        Ok(())
    }

    fn receive(&mut self, pipe: &Mutex<PlaintextPipe>, context: &mut Context<'_>) {
        loop {
            if !self.hand_over(pipe) && self.decrypted.len() >= MAX_INBOUND {
                return;
            }
            if self.health.has_ended() {
                if self.hand_over(pipe) {
                    lock(pipe).health.end(None);
                }
                return;
            }
            if lock(pipe).reading == ReadState::Unrequested {
                let nothing_yet = self.hand_over(pipe) && lock(pipe).inbound.is_empty();
                if !nothing_yet {
                    return;
                }
            }
            match self.kernel.poll_read(context.waker()) {
                Poll::Ready(read) => {
                    if read.is_none() {
                        self.health.end(None);
                    }
                    self.decrypted.extend(read);
                    self.small_reads += 1;
                }
                Poll::Pending if !self.health.can_write() => self.health.end(None),
                Poll::Pending => {
                    self.hand_over(pipe);
                    return;
                }
            }
        }
    }

    fn hand_over(&mut self, pipe: &Mutex<PlaintextPipe>) -> bool {
        if self.decrypted.is_empty() {
            return true;
        }
        lock(pipe).offer(&mut self.decrypted)
    }

    fn is_idle(&self) -> bool {
        self.health == Health::Open && self.sending.is_empty() && self.decrypted.is_empty()
    }
}

enum Mode {
    Inline,
    Bulk(Arc<BulkShared<BulkSession>>),
}

/// `SecureTransport`, and the JavaScript thread that has it.
struct Transport {
    mode: Mode,
    inbound: Vec<u8>,
    reads: bool,
    kernel: Kernel,
    mailbox: Arc<Mailbox>,
    sleep: Sleep,
    settles_after: usize,
    /// The module's `MAX_OUTBOUND`.
    max_outbound: usize,
    tasks: Vec<JoinHandle<()>>,
}

impl Transport {
    fn new(kernel: &Kernel, settles_after: usize) -> Self {
        let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        mailbox.attach(sleep.wake_fn());
        Self {
            mode: Mode::Inline,
            inbound: Vec::new(),
            reads: false,
            kernel: kernel.clone(),
            mailbox,
            sleep,
            settles_after,
            max_outbound: 1,
            tasks: Vec::new(),
        }
    }

    /// Sleeps until there is news.
    fn wait(&mut self) {
        if self.mailbox.sleep() {
            self.sleep.sleep();
        }
        for notice in self.mailbox.collect() {
            if let Notice::TaskDone(_) = notice {
                self.reclaim();
            }
        }
    }

    fn start_task(&mut self) {
        let (shared, settles_after) = (self.new_shared(), self.settles_after);
        let task = Task {
            shared: Arc::clone(&shared),
            settles_after,
        };
        self.tasks.push(thread::spawn(move || task.run()));
        self.mode = Mode::Bulk(shared);
    }

    fn new_shared(&self) -> Arc<BulkShared<BulkSession>> {
        Arc::new(BulkShared {
            session: Mutex::new(Some(BulkSession {
                kernel: self.kernel.clone(),
                sending: BytesMut::new(),
                taken: 0,
                decrypted: Vec::new(),
                health: Health::Open,
                small_reads: 0,
            })),
            pipe: Mutex::new(PlaintextPipe {
                reading: if self.reads {
                    ReadState::Waiting
                } else {
                    ReadState::Unrequested
                },
                mailbox: Arc::clone(&self.mailbox),
                socket_id: SOCKET,
                ..PlaintextPipe::default()
            }),
        })
    }

    fn poll_write(&mut self, data: &[u8]) -> Poll<Result<usize, Broken>> {
        loop {
            if let Mode::Inline = &self.mode {
                self.start_task();
            }
            let Mode::Bulk(shared) = &self.mode else {
                return Poll::Ready(Err(Broken));
            };
            let mut pipe = lock(&shared.pipe);
            if pipe.handed_back {
                drop(pipe);
                self.reclaim();
                continue;
            }
            return pipe.accept(data, self.max_outbound).map_err(|_| Broken);
        }
    }

    fn unflushed(&self) -> Result<usize, Broken> {
        match &self.mode {
            Mode::Inline => Ok(0),
            Mode::Bulk(shared) => lock(&shared.pipe).unflushed().map_err(|_| Broken),
        }
    }

    /// Nothing read is the end.
    fn poll_read(&mut self) -> Poll<Vec<u8>> {
        self.reads = true;
        if !self.inbound.is_empty() {
            return Poll::Ready(mem::take(&mut self.inbound));
        }
        match &self.mode {
            Mode::Inline => {
                let waker = waker(&self.mailbox, SOCKET, Direction::Read);
                self.kernel.poll_read(&waker).map(Vec::from_iter)
            }
            Mode::Bulk(shared) => {
                let mut read = Vec::new();
                lock(&shared.pipe).fetch(&mut read).map(|()| read)
            }
        }
    }

    fn reclaim(&mut self) {
        let Mode::Bulk(shared) = &self.mode else {
            return;
        };
        let mut pipe = {
            let mut pipe = lock(&shared.pipe);
            if !pipe.handed_back {
                return;
            }
            mem::take(&mut *pipe)
        };
        if lock(&shared.session).take().is_none() {
            return;
        }
        self.inbound.append(&mut pipe.inbound);
        self.mode = Mode::Inline;
    }

    /// To another environment, with a mailbox and a thread of its own.
    fn hand_over(&mut self) {
        (self.mailbox, self.sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        self.mailbox.attach(self.sleep.wake_fn());
        if let Mode::Bulk(shared) = &self.mode {
            lock(&shared.pipe).mailbox = Arc::clone(&self.mailbox);
            self.reclaim();
        }
    }

    fn write(&mut self, mut data: &[u8]) -> Result<(), Broken> {
        while !data.is_empty() {
            match self.poll_write(data) {
                Poll::Ready(count) => data = &data[count?..],
                Poll::Pending => self.wait(),
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        while self.unflushed()? > 0 {
            self.wait();
        }
        Ok(())
    }

    fn read_to_end(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        loop {
            match self.poll_read() {
                Poll::Ready(piece) if piece.is_empty() => return read,
                Poll::Ready(piece) => read.extend(piece),
                Poll::Pending => self.wait(),
            }
        }
    }

    /// The module's `Drop`; its tasks end.
    fn close(self) {
        if let Mode::Bulk(shared) = &self.mode {
            drop(lock(&shared.session).take());
            wake(&mut lock(&shared.pipe).task);
        }
        for task in self.tasks {
            task.join().unwrap();
        }
    }
}

/// A connection that takes so much.
fn with_room(room: usize) -> Kernel {
    let kernel = Kernel::default();
    kernel.change(|connection| connection.room = room);
    kernel
}

#[test]
fn data_arrives_even_if_the_peer_reads_slowly() {
    model(2, || {
        let kernel = with_room(0);
        let mut transport = Transport::new(&kernel, usize::MAX);
        let peer = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                for _ in DATA {
                    kernel.change(|connection| connection.room += 1);
                }
            })
        };
        assert_eq!(transport.write(&DATA), Ok(()));
        assert_eq!(transport.flush(), Ok(()));
        assert_eq!(lock(&kernel.0).outgoing, DATA);
        transport.close();
        peer.join().unwrap();
    });
}

#[test]
fn close_waits_for_the_last_write() {
    model(2, || {
        let kernel = with_room(usize::MAX);
        let mut transport = Transport::new(&kernel, usize::MAX);
        transport.max_outbound = 2;
        for byte in DATA {
            assert_eq!(transport.write(&[byte]), Ok(()));
        }
        assert_eq!(transport.flush(), Ok(()));
        assert_eq!(lock(&kernel.0).outgoing, DATA);
        transport.close();
    });
}

#[test]
fn data_written_to_an_ending_task_is_sent_by_the_next_task() {
    model(2, || {
        let kernel = with_room(usize::MAX);
        let mut transport = Transport::new(&kernel, 0);
        assert_eq!(transport.write(&DATA), Ok(()));
        assert_eq!(transport.flush(), Ok(()));
        assert_eq!(lock(&kernel.0).outgoing, DATA);
        transport.close();
    });
}

/// Reads from a peer that sends and ends, what a task receives and what comes after it.
fn read_in_bulk(settles_after: usize) {
    model(2, move || {
        let kernel = with_room(0);
        let mut transport = Transport::new(&kernel, settles_after);
        transport.start_task();
        let peer = thread::spawn(move || {
            for byte in DATA {
                kernel.send(byte);
            }
            kernel.change(|connection| connection.ended = true);
        });
        assert_eq!(transport.read_to_end(), DATA);
        transport.close();
        peer.join().unwrap();
    });
}

#[test]
fn data_received_by_a_task_is_read_before_the_end() {
    read_in_bulk(usize::MAX);
}

#[test]
fn data_that_arrives_after_a_task_is_read_inline() {
    read_in_bulk(1);
}

#[test]
fn a_failed_write_is_reported_after_earlier_data() {
    model(2, || {
        let kernel = with_room(0);
        let mut transport = Transport::new(&kernel, usize::MAX);
        let peer = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                kernel.send(DATA[0]);
                kernel.change(|connection| connection.reset = true);
            })
        };
        let sent = transport.write(&DATA).and_then(|()| transport.flush());
        assert_eq!(sent, Err(Broken));
        assert_eq!(transport.poll_read(), Poll::Ready(vec![DATA[0]]));
        assert_eq!(transport.read_to_end(), []);
        transport.close();
        peer.join().unwrap();
    });
}

#[test]
fn a_dropped_task_wakes_its_transport() {
    model(2, || {
        let mut transport = Transport::new(&with_room(0), 0);
        let shared = transport.new_shared();
        transport.mode = Mode::Bulk(Arc::clone(&shared));
        let task = Task {
            shared,
            settles_after: 0,
        };
        let runtime = thread::spawn(move || drop(task));
        let sent = transport.write(&DATA).and_then(|()| transport.flush());
        assert_eq!(sent, Err(Broken));
        assert_eq!(transport.read_to_end(), []);
        transport.close();
        runtime.join().unwrap();
    });
}

#[test]
fn a_task_ends_with_its_connection() {
    model(2, || {
        let kernel = with_room(0);
        let mut transport = Transport::new(&kernel, usize::MAX);
        transport.start_task();
        let peer = thread::spawn(move || kernel.send(DATA[0]));
        transport.close();
        peer.join().unwrap();
    });
}

#[test]
fn notices_of_a_task_reach_the_next_owner() {
    model(2, || {
        let kernel = with_room(usize::MAX);
        let mut transport = Transport::new(&kernel, 1);
        assert!(transport.poll_read().is_pending());
        assert_eq!(transport.write(&DATA[..1]), Ok(()));
        let peer = {
            let kernel = kernel.clone();
            thread::spawn(move || kernel.send(DATA[0]))
        };
        transport.hand_over();
        assert_eq!(transport.flush(), Ok(()));
        assert_eq!(lock(&kernel.0).outgoing, DATA[..1]);
        while transport.poll_read() != Poll::Ready(vec![DATA[0]]) {
            transport.wait();
        }
        assert_eq!(transport.write(&DATA[1..]), Ok(()));
        assert_eq!(transport.flush(), Ok(()));
        assert_eq!(lock(&kernel.0).outgoing, DATA);
        transport.close();
        peer.join().unwrap();
    });
}
