//! A connection attempt: tries the resolved addresses in order until one answers. The next address
//! is tried when one has failed, as in Chromium (`net/socket/tcp_client_socket.cc`; the last error
//! counts). It is also tried in parallel if an address does not answer soon (RFC 8305), so that a
//! dead address does not cost the operating system's full timeout.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::ids::SocketId;
use crate::net::options::set_keep_alive;
use crate::net_error::NetError;
use crate::ready::{Direction, Ready, uninterrupted};
use crate::runtime::{self, OwnedTask};
use crate::wake::mailbox::{Mailbox, waker};
use crate::wake::readiness::{PolledSocket, Poller};

/// Chromium's keep-alive delay for every client socket (`net/socket/tcp_socket_posix.cc`).
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(45);

/// The delay before the next address is tried in parallel: RFC 8305, section 8.
const STAGGER: Duration = Duration::from_millis(250);

/// A table that spares descriptors leaves one of this many to the rest of the process.
#[cfg(unix)]
const RESERVED_SHARE: u64 = 4;

/// The most addresses that wait for an answer while the next is tried. Each has a descriptor.
const MAX_SLOW: usize = 8;

/// The most addresses that one turn tries. A resolver may return thousands that refuse at once.
const ADDRESSES_PER_TURN: u32 = 8;

/// A connection attempt. Dropping it closes its sockets.
pub(crate) struct Attempt {
    remaining: VecDeque<SocketAddr>,
    /// The address that was tried last.
    current: Option<(PolledSocket, SocketAddr)>,
    /// Earlier addresses that have not answered yet, in order.
    slow: Vec<(PolledSocket, SocketAddr)>,
    last_error: NetError,
    /// The time at which the next address is tried even if the current one may still answer.
    next_turn: Option<Instant>,
    deadline: Option<Instant>,
    alarm: Option<OwnedTask>,
    /// Whether the last descriptors of the process are left to others.
    sparing: bool,
}

impl Attempt {
    /// Prepares to try `addresses` in order. If none answers before the deadline, the attempt
    /// fails.
    pub(crate) fn new(addresses: Vec<IpAddr>, port: u16, deadline: Option<Instant>) -> Self {
        Self {
            remaining: addresses
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect(),
            current: None,
            slow: Vec::new(),
            last_error: NetError::ConnectionFailed,
            next_turn: None,
            deadline,
            alarm: None,
            sparing: false,
        }
    }

    /// With `sparing`, fails where the process has few descriptors left, as if it had none.
    pub(crate) fn sparing_descriptors(self, sparing: bool) -> Self {
        Self { sparing, ..self }
    }

    /// Whether one poll may try more than one address.
    pub(crate) fn may_try_several(&self) -> bool {
        self.remaining.len() > 1 || self.current.is_some() && !self.remaining.is_empty()
    }

    /// The sockets whose connection is pending.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &PolledSocket> {
        let waiting = self.slow.iter().chain(&self.current);
        waiting.map(|(socket, _)| socket)
    }

    /// Advances as far as possible without blocking. `poller` reports `socket_id` as writable when
    /// the attempt can continue. Returns the connected socket and the address that answered.
    pub(crate) fn poll(
        &mut self,
        poller: &Poller,
        mailbox: &Arc<Mailbox>,
        socket_id: SocketId,
    ) -> Poll<Result<(PolledSocket, SocketAddr), NetError>> {
        if let Some(answered) = self.poll_slow() {
            return Poll::Ready(Ok(answered));
        }
        for _ in 0..=ADDRESSES_PER_TURN {
            if let Some((mut socket, address)) = self.current.take() {
                match socket.poll_connected() {
                    Poll::Ready(Ok(())) => return Poll::Ready(Ok((socket, address))),
                    Poll::Ready(Err(error)) => self.last_error = NetError::from_connect(&error),
                    Poll::Pending if self.is_next_turn() => self.slow.push((socket, address)),
                    Poll::Pending => {
                        self.current = Some((socket, address));
                        return self.wait(mailbox, socket_id);
                    }
                }
            }
            let Some(address) = self.remaining.pop_front() else {
                return if self.slow.is_empty() {
                    Poll::Ready(Err(self.last_error))
                } else {
                    self.wait(mailbox, socket_id)
                };
            };
            self.next_turn = None;
            self.alarm = None;
            match start(address, self.sparing).and_then(|socket| poller.watch(socket, socket_id)) {
                Ok(socket) => self.current = Some((socket, address)),
                Err(error) => self.last_error = NetError::from_connect(&error),
            }
        }
        waker(mailbox, socket_id, Direction::Write).wake();
        Poll::Pending
    }

    /// Notes that one of the sockets has become ready.
    pub(crate) fn note(&mut self, ready: Ready) {
        let waiting = self.slow.iter_mut().chain(&mut self.current);
        waiting.for_each(|(socket, _)| socket.note(ready));
    }

    /// Polls the slow addresses. Their errors do not count: a later address is still being tried or
    /// has failed last.
    fn poll_slow(&mut self) -> Option<(PolledSocket, SocketAddr)> {
        let mut index = 0;
        while let Some((socket, _)) = self.slow.get_mut(index) {
            match socket.poll_connected() {
                Poll::Ready(Ok(())) => return Some(self.slow.remove(index)),
                Poll::Ready(Err(_)) => drop(self.slow.remove(index)),
                Poll::Pending => index += 1,
            }
        }
        None
    }

    fn is_next_turn(&self) -> bool {
        self.staggers() && self.next_turn.is_some_and(|time| time <= Instant::now())
    }

    /// Whether the next address may be tried while the current one may still answer.
    fn staggers(&self) -> bool {
        !self.remaining.is_empty() && self.slow.len() < MAX_SLOW
    }

    /// Sets the timer for the next address or the deadline.
    fn wait(
        &mut self,
        mailbox: &Arc<Mailbox>,
        socket_id: SocketId,
    ) -> Poll<Result<(PolledSocket, SocketAddr), NetError>> {
        if self.deadline.is_none() && !self.staggers() {
            self.alarm = None;
            return Poll::Pending;
        }
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Poll::Ready(Err(NetError::ConnectionTimedOut));
        }
        if self.next_turn.is_none() && self.staggers() {
            self.next_turn = Some(now + STAGGER);
            self.alarm = None;
        }
        if self.alarm.is_none() {
            let next = self.next_turn.filter(|_| self.staggers());
            self.alarm = next
                .into_iter()
                .chain(self.deadline)
                .min()
                .and_then(|time| runtime::alarm(time, waker(mailbox, socket_id, Direction::Write)));
        }
        Poll::Pending
    }
}

/// Opens a socket with Chromium's defaults and starts to connect it. As in Chromium, a default that
/// cannot be set is skipped.
fn start(address: SocketAddr, sparing: bool) -> io::Result<Socket> {
    let socket = nonblocking_socket(Domain::for_address(address))?;
    if sparing {
        leave_descriptors(&socket)?;
    }
    set_default_options(&socket);
    match uninterrupted(|| socket.connect(&address.into())) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(socket),
    }
}

/// Sets the options that Chromium sets on every connection.
pub(crate) fn set_default_options(socket: &Socket) {
    let _ = socket.set_tcp_nodelay(true);
    let _ = set_keep_alive(&SockRef::from(socket), true, DEFAULT_KEEP_ALIVE);
}

/// Fails for a descriptor that is one of the last of the process. The kernel hands out the lowest
/// number that is free, so the number tells how many are in use.
#[cfg(unix)]
pub(crate) fn leave_descriptors(socket: &Socket) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let number = u64::try_from(socket.as_raw_fd()).unwrap_or(0);
    if limit.is_some_and(|limit| number >= limit - limit / RESERVED_SHARE) {
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    Ok(())
}

/// Windows has no such limit.
#[cfg(not(unix))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "the signature of the other systems"
)]
pub(crate) fn leave_descriptors(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

/// Sets all options with one system call where possible.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn nonblocking_socket(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn nonblocking_socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    // By default, Windows' IPv6 sockets do not reach IPv4-mapped addresses such as ::ffff:127.0.0.1
    // (`net/socket/socket_descriptor.cc`).
    #[cfg(windows)]
    if domain == Domain::IPV6 {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn is_in_progress(error: &io::Error) -> bool {
    // Winsock reports WSAEWOULDBLOCK where POSIX reports EINPROGRESS, for which std has no name
    // yet.
    error.kind() == io::ErrorKind::WouldBlock || {
        #[cfg(unix)]
        {
            error.raw_os_error() == Some(libc::EINPROGRESS)
        }
        #[cfg(not(unix))]
        {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::fs::File;
    #[cfg(target_os = "linux")]
    use std::net::TcpStream as StdTcpStream;
    use std::net::{Ipv4Addr, TcpListener};
    #[cfg(unix)]
    use std::process::Command;
    use std::sync::mpsc;
    #[cfg(unix)]
    use std::thread;

    use super::*;
    #[cfg(unix)]
    use crate::socket::SocketProperties;
    #[cfg(unix)]
    use crate::testing::{Application, Peer};

    /// The result of the attempt, and its duration.
    fn outcome(attempt: Attempt) -> (Result<IpAddr, NetError>, Duration) {
        let begin = Instant::now();
        let result = outcome_with(attempt, |_| {});
        (result, begin.elapsed())
    }

    /// Calls `waiting` whenever the attempt is pending. It waits at most ten seconds.
    fn outcome_with(
        mut attempt: Attempt,
        mut waiting: impl FnMut(&Attempt),
    ) -> Result<IpAddr, NetError> {
        let (sender, woken) = mpsc::channel();
        let mailbox = Arc::<Mailbox>::default();
        mailbox.attach(Box::new(move || {
            let _ = sender.send(());
        }));
        let poller = Poller::new(&mailbox).unwrap();
        loop {
            if let Poll::Ready(result) = attempt.poll(&poller, &mailbox, 1) {
                return result.map(|(_, peer)| peer.ip());
            }
            waiting(&attempt);
            if mailbox.sleep() {
                poller.arm();
                woken.recv_timeout(Duration::from_secs(10)).unwrap();
            }
            mailbox.collect();
            let mut found = VecDeque::new();
            poller.collect(&mut found);
            for (_, ready) in found {
                attempt.note(ready);
            }
        }
    }

    #[test]
    fn a_turn_tries_a_few_of_thousands_of_addresses() {
        // A port on which nothing listens.
        let port = closed_port();
        let addresses = (0..2000_u32).map(|number| Ipv4Addr::from(0x7f01_0000 + number).into());
        let mut attempt = Attempt::new(addresses.collect(), port, None);
        let mailbox = Arc::<Mailbox>::default();
        let poller = Poller::new(&mailbox).unwrap();
        let mut turns = 0;
        let error = loop {
            let before = attempt.remaining.len();
            match attempt.poll(&poller, &mailbox, 1) {
                Poll::Ready(Err(error)) => break error,
                Poll::Ready(Ok(_)) => panic!("connected"),
                Poll::Pending => {}
            }
            assert!(before - attempt.remaining.len() <= 9, "more than a few");
            if mailbox.collect().is_empty() {
                // It waits for the kernel.
                let mut found = VecDeque::new();
                poller.collect(&mut found);
                for (_, ready) in found {
                    attempt.note(ready);
                }
            }
            turns += 1;
        };
        assert_eq!(error, NetError::ConnectionRefused);
        assert!(turns >= 2000 / 9, "{turns}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn addresses_that_do_not_answer_hold_few_descriptors() {
        // Room for no connection: those addresses are silent.
        let (listeners, port) = listeners(20);
        let _full: Vec<_> = listeners.iter().map(fill).collect();
        let addresses = (1..=20).map(address).collect();
        let deadline = Instant::now() + Duration::from_secs(4);
        let attempt = Attempt::new(addresses, port, Some(deadline));
        let mut most = 0;
        let result = outcome_with(attempt, |attempt| {
            most = most.max(attempt.sockets().count());
        });
        assert_eq!(result, Err(NetError::ConnectionTimedOut));
        assert_eq!(most, MAX_SLOW + 1);
    }

    fn closed_port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        listener.local_addr().unwrap().port()
    }

    /// Listeners on one port of several loopback addresses: 127.0.0.1 and so on.
    #[cfg(target_os = "linux")]
    fn listeners(count: u8) -> (Vec<TcpListener>, u16) {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let others = (2..=count).map(|last| TcpListener::bind((address(last), port)).unwrap());
        (std::iter::once(first).chain(others).collect(), port)
    }

    #[cfg(target_os = "linux")]
    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(127, 0, 0, last).into()
    }

    /// Fills the backlog, so that this loopback address does not answer.
    #[cfg(target_os = "linux")]
    fn fill(listener: &TcpListener) -> Vec<StdTcpStream> {
        SockRef::from(listener).listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_millis(50);
        let connect = || StdTcpStream::connect_timeout(&address, limit).ok();
        std::iter::from_fn(connect).take(8).collect()
    }

    #[test]
    fn an_ipv4_address_mapped_into_ipv6_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mapped = IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        let (result, _) = outcome(Attempt::new(vec![mapped], port, None));
        assert_eq!(result, Ok(mapped));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_next_address_is_tried_after_a_quarter_of_a_second() {
        let (listeners, port) = listeners(2);
        let _full = fill(&listeners[0]);
        let attempt = Attempt::new(vec![address(1), address(2)], port, None);
        let (result, time) = outcome(attempt);
        assert_eq!(result, Ok(address(2)));
        assert!(time >= STAGGER && time < 3 * STAGGER, "{time:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_next_address_is_tried_at_once_after_a_failure() {
        let (mut listeners, port) = listeners(2);
        drop(listeners.remove(0));
        let (result, time) = outcome(Attempt::new(vec![address(1), address(2)], port, None));
        assert_eq!(result, Ok(address(2)));
        assert!(time < STAGGER, "{time:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_slow_address_may_still_answer_when_the_others_have_failed() {
        let (mut listeners, port) = listeners(2);
        let full = fill(&listeners[0]);
        drop(listeners.remove(1));
        let mut cleared = false;
        let attempt = Attempt::new(vec![address(1), address(2)], port, None);
        let result = outcome_with(attempt, |attempt| {
            if attempt.current.is_none() && !cleared {
                for _ in &full {
                    listeners[0].accept().unwrap();
                }
                cleared = true;
            }
        });
        assert_eq!(result, Ok(address(1)));
        assert!(cleared);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_error_of_the_last_address_is_reported() {
        let (listeners, port) = listeners(1);
        drop(listeners);
        let unreachable = IpAddr::from([255, 255, 255, 255]);
        for (addresses, expected) in [
            ([unreachable, address(1)], NetError::ConnectionRefused),
            (
                [address(1), unreachable],
                NetError::from_connect(&start_error(unreachable)),
            ),
        ] {
            let (result, _) = outcome(Attempt::new(addresses.to_vec(), port, None));
            assert_eq!(result, Err(expected));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn attempts_without_an_answer_end_at_the_deadline() {
        let (listeners, port) = listeners(2);
        let _full = [fill(&listeners[0]), fill(&listeners[1])];
        let deadline = Some(Instant::now() + 2 * STAGGER);
        let attempt = Attempt::new(vec![address(1), address(2)], port, deadline);
        let (result, _) = outcome(attempt);
        assert_eq!(result, Err(NetError::ConnectionTimedOut));
    }

    /// Runs in a process of its own, because the limit and the descriptors belong to the process.
    #[test]
    #[cfg(unix)]
    fn a_sparing_table_leaves_a_quarter_of_the_descriptors_to_others() {
        const ALONE: &str = "TEST_OF_DESCRIPTORS";
        const LIMIT: i32 = 256;
        const FIRST_SPARED: i32 = 192;
        if std::env::var_os(ALONE).is_some() {
            return leave_descriptors_to_others(LIMIT, FIRST_SPARED);
        }
        let name = thread::current().name().unwrap().to_owned();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{report}");
        assert!(report.contains("1 passed"), "{report}");
    }

    #[cfg(unix)]
    fn leave_descriptors_to_others(limit: i32, first_spared: i32) {
        use std::os::fd::AsRawFd;

        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let (mut application, peer) = (Application::new(), Peer::new());
        // The poller and the runtime have their descriptors from here on.
        application.connected(&peer, SocketProperties::default());
        let sockets = [(); 3].map(|()| application.create(SocketProperties::default()));
        let current = Some(u64::try_from(limit).unwrap());
        let limits = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current, ..limits }).unwrap();
        // The next descriptor is the last that a sparing connection may have.
        let mut opened = Vec::new();
        loop {
            let file = File::open("/dev/null").unwrap();
            if file.as_raw_fd() == first_spared - 1 {
                break;
            }
            opened.push(file);
        }
        application.table.spare_descriptors(true);
        let error = Err(NetError::InsufficientResources.into());
        assert_eq!(application.connect(sockets[0], peer.address), Ok(()));
        assert_eq!(application.connect(sockets[1], peer.address), error);
        application.table.spare_descriptors(false);
        assert_eq!(application.connect(sockets[2], peer.address), Ok(()));
    }

    #[cfg(target_os = "linux")]
    fn start_error(ip: IpAddr) -> io::Error {
        start(SocketAddr::new(ip, 9), false).unwrap_err()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_wait_ends_at_the_deadline() {
        let (listeners, port) = listeners(1);
        let _full = fill(&listeners[0]);
        let limit = Duration::from_millis(100);
        let attempt = Attempt::new(vec![address(1)], port, Some(Instant::now() + limit));
        let (result, time) = outcome(attempt);
        assert_eq!(result, Err(NetError::ConnectionTimedOut));
        assert!(time >= limit && time < 5 * limit, "{time:?}");
    }
}
