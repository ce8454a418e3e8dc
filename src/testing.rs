//! A socket table without JavaScript, for tests: it is woken by a condition variable.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustls::ClientConnection;

use crate::event::{Event, Next, Outcome};
use crate::ids::SocketId;
use crate::net::resolver::AddressFamily;
use crate::net_error::NetError;
use crate::runtime::{self, OwnedTask, closing};
use crate::socket::{Connection, Endpoints, SocketProperties};
use crate::sync::lock;
use crate::table::SocketTable;
use crate::wake::notice::Secured;

/// The longest that any test waits.
const DEADLINE: Duration = Duration::from_secs(10);

/// An event, with its data if it is a receive event.
#[derive(Debug, PartialEq)]
pub(crate) enum Delivered {
    Complete {
        request: u32,
        outcome: Outcome,
    },
    Receive {
        socket_id: SocketId,
        data: Vec<u8>,
    },
    ReceiveError {
        socket_id: SocketId,
        error: NetError,
    },
    Accept {
        socket_id: SocketId,
        client_id: SocketId,
    },
    AcceptError {
        socket_id: SocketId,
        error: NetError,
    },
    Detached,
}

/// A table, driven as an environment drives it.
pub(crate) struct Application {
    pub(crate) table: SocketTable,
    woken: Arc<(Mutex<bool>, Condvar)>,
    next_request: u32,
    /// Of the last receive error.
    pub(crate) cause: Option<NetError>,
}

impl Application {
    pub(crate) fn new() -> Self {
        let mut application = Self {
            table: SocketTable::default(),
            woken: Arc::default(),
            next_request: 0,
            cause: None,
        };
        application.attach();
        application
    }

    pub(crate) fn attach(&mut self) {
        let woken = Arc::clone(&self.woken);
        self.table.attach(Box::new(move || {
            *lock(&woken.0) = true;
            woken.1.notify_one();
        }));
    }

    /// A number for the next call.
    pub(crate) fn request(&mut self) -> u32 {
        self.next_request += 1;
        self.next_request
    }

    /// Waits for the next event.
    pub(crate) fn event(&mut self) -> Delivered {
        let give_up = Instant::now() + DEADLINE;
        loop {
            match self.table.next_event(true) {
                Next::Event(event) => return self.tell(event),
                Next::Turn | Next::PollAgain => continue,
                Next::Nothing => {}
            }
            let (mutex, condition) = &*self.woken;
            let mut woken = lock(mutex);
            while !*woken {
                let left = give_up
                    .checked_duration_since(Instant::now())
                    .expect("an event");
                woken = condition.wait_timeout(woken, left).unwrap().0;
            }
            *woken = false;
        }
    }

    fn tell(&mut self, event: Event) -> Delivered {
        match event {
            Event::Complete { request, outcome } => Delivered::Complete {
                request: request.number(),
                outcome,
            },
            Event::Receive { socket_id, length } => {
                let mut data = vec![0; length];
                let count = self.table.take(&mut data);
                data.truncate(count);
                Delivered::Receive { socket_id, data }
            }
            Event::ReceiveError {
                socket_id,
                error,
                cause,
            } => {
                self.cause = cause;
                Delivered::ReceiveError { socket_id, error }
            }
            Event::Accept {
                socket_id,
                client_id,
            } => Delivered::Accept {
                socket_id,
                client_id,
            },
            Event::AcceptError { socket_id, error } => Delivered::AcceptError { socket_id, error },
            Event::Detached => Delivered::Detached,
        }
    }

    /// The result of `request`. Fails if another event comes first.
    pub(crate) fn outcome(&mut self, request: u32) -> Outcome {
        match self.event() {
            Delivered::Complete {
                request: ended,
                outcome,
            } => {
                assert_eq!(ended, request);
                outcome
            }
            other => panic!("{other:?} came before the end of request {request}"),
        }
    }

    /// The next data that the socket receives.
    pub(crate) fn received(&mut self, socket_id: SocketId) -> Vec<u8> {
        match self.event() {
            Delivered::Receive {
                socket_id: receiver,
                data,
            } => {
                assert_eq!(receiver, socket_id);
                data
            }
            other => panic!("{other:?} instead of data"),
        }
    }

    pub(crate) fn create(&mut self, properties: SocketProperties) -> SocketId {
        let request = self.request();
        let socket_id = self.table.create(request.into(), properties).unwrap();
        assert_eq!(self.outcome(request), Ok(()));
        socket_id
    }

    /// A socket that is connected to `peer`.
    pub(crate) fn connected(&mut self, peer: &Peer, properties: SocketProperties) -> SocketId {
        let socket_id = self.create(properties);
        let outcome = self.connect(socket_id, peer.address);
        assert_eq!(outcome, Ok(()));
        socket_id
    }

    /// A socket that has completed a TLS handshake over `stream` and reads. One
    /// whose [write failed](Secured::write_failed) can only read, and is paused.
    pub(crate) fn secured(
        &mut self,
        stream: TcpStream,
        connection: ClientConnection,
        write_failed: bool,
    ) -> SocketId {
        let socket_id = self.create(SocketProperties::default());
        let endpoints = Endpoints {
            local: stream.local_addr().ok(),
            peer: stream.peer_addr().unwrap(),
        };
        stream.set_nonblocking(true).unwrap();
        let runtime = runtime::handle().unwrap();
        let _context = runtime.enter();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let request = self.request();
        let idle = runtime.spawn(async {}).abort_handle();
        let connecting = Connection::Securing {
            request: request.into(),
            endpoints,
            paused: false,
            handshake: OwnedTask(idle),
        };
        self.table.open(socket_id, connecting);
        let secured = Secured {
            stream: closing::Stream::new(stream),
            connection,
            write_failed,
        };
        self.table
            .secured(request, socket_id, Ok(Box::new(secured)));
        assert_eq!(self.outcome(request), Ok(()));
        self.set_paused(socket_id, true);
        // One that can only be read ends when it is resumed before anything has come.
        if !write_failed {
            self.set_paused(socket_id, false);
        }
        socket_id
    }

    pub(crate) fn set_paused(&mut self, socket_id: SocketId, paused: bool) {
        let request = self.request();
        self.table.set_paused(request.into(), socket_id, paused);
        assert_eq!(self.outcome(request), Ok(()));
    }

    pub(crate) fn connect(&mut self, socket_id: SocketId, address: SocketAddr) -> Outcome {
        let request = self.request();
        let host = address.ip().to_string();
        self.table.connect(
            request.into(),
            socket_id,
            host,
            address.port(),
            AddressFamily::Any,
            None,
        );
        self.outcome(request)
    }
}

/// A listener on loopback.
pub(crate) struct Peer {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn accept(&self) -> TcpStream {
        self.listener.accept().unwrap().0
    }
}

/// Writes until the other side takes no more for a while. Returns the number of bytes it took.
pub(crate) fn write_until_throttled(stream: &mut TcpStream) -> usize {
    stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let chunk = vec![7; 64 * 1024];
    let mut written = 0;
    loop {
        match stream.write(&chunk) {
            Ok(count) => written += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return written;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(written < 64 * 1024 * 1024, "nothing throttles this writer");
    }
}
