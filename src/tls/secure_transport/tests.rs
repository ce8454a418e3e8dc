//! Both modes, against a server on a thread of its own.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream as StdTcpStream};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::super::bulk::{self, BulkSession};
use super::super::pipe::{self, BulkShared};
use super::super::session::{self, Fruitless, Tls, Turn};
use super::{Mode, SecureTransport};
use crate::event::Next;
use crate::ids::SocketId;
use crate::net_error::NetError;
use crate::socket::{Connection, SocketProperties};
use crate::sync::lock;
use crate::testing::{Application, Delivered, Peer};
use crate::transport::Transport;

type Server = StreamOwned<ServerConnection, StdTcpStream>;

/// A secured socket of an application, and the server that it is connected to.
fn secured() -> (Application, SocketId, Server) {
    secured_as(false)
}

/// The same, of which the client's last words may not have been written.
fn secured_as(write_failed: bool) -> (Application, SocketId, Server) {
    secured_with(write_failed, 0)
}

/// The same, by a server that sends this many session tickets.
fn secured_with(write_failed: bool, tickets: usize) -> (Application, SocketId, Server) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = ["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    server.send_tls13_tickets = tickets;

    let peer = Peer::new();
    let mut application = Application::new();
    let mut stream = StdTcpStream::connect(peer.address).unwrap();
    let accepted = peer.accept();
    accepted.set_nodelay(true).unwrap();
    accepted
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let server = thread::spawn(move || {
        let connection = ServerConnection::new(server.into()).unwrap();
        let mut server = StreamOwned::new(connection, accepted);
        // Not the tickets yet, of which the client would read a part now.
        while server.conn.is_handshaking() {
            server.conn.read_tls(&mut server.sock).unwrap();
            server.conn.process_new_packets().unwrap();
            while server.conn.is_handshaking() && server.conn.wants_write() {
                server.conn.write_tls(&mut server.sock).unwrap();
            }
        }
        server
    });
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(client.into(), name).unwrap();
    connection.complete_io(&mut stream).unwrap();
    let socket_id = application.secured(stream, connection, write_failed);
    (application, socket_id, server.join().unwrap())
}

fn secure(application: &Application, socket_id: SocketId) -> &SecureTransport {
    match &application.table.socket(socket_id).connection {
        Connection::Connected(link) => match &link.transport {
            Transport::Secure(secure) => secure,
            Transport::Plain(_) => panic!("not secured"),
        },
        _ => panic!("not connected"),
    }
}

/// The number of encrypted bytes that the kernel holds for the socket, up to 100.
fn arrived(application: &Application, socket_id: SocketId) -> usize {
    let Mode::Inline(tls_socket) = &secure(application, socket_id).mode else {
        panic!("a task reads them");
    };
    let mut bytes = [MaybeUninit::uninit(); 100];
    tls_socket.socket.socket().peek(&mut bytes).unwrap_or(0)
}

fn is_bulk(application: &Application, socket_id: SocketId) -> bool {
    matches!(secure(application, socket_id).mode, Mode::Bulk(_))
}

fn send(application: &mut Application, socket_id: SocketId, data: &[u8]) -> u32 {
    let request = application.request();
    application.table.send(request.into(), socket_id, data);
    request
}

/// One message there and back.
fn exchange(application: &mut Application, socket_id: SocketId, server: &mut Server) {
    let request = send(application, socket_id, b"ping");
    assert_eq!(application.outcome(request), Ok(()));
    let mut received = [0; 4];
    server.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"ping");
    server.write_all(b"pong").unwrap();
    server.flush().unwrap();
    assert_eq!(application.received(socket_id), b"pong");
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// So much to the server, which a task sends.
fn send_in_bulk(
    application: &mut Application,
    socket_id: SocketId,
    mut server: Server,
    length: usize,
) -> Server {
    let request = send(application, socket_id, &pattern(length));
    let reader = thread::spawn(move || {
        server.read_exact(&mut vec![0; length]).unwrap();
        server
    });
    assert_eq!(application.outcome(request), Ok(()));
    reader.join().unwrap()
}

/// So much from the server, and again until a task has received a part of it.
fn receive_in_bulk(
    application: &mut Application,
    socket_id: SocketId,
    mut server: Server,
    length: usize,
) -> Server {
    let give_up = Instant::now() + Duration::from_secs(30);
    let mut was_bulk = false;
    while !was_bulk {
        // On a busy machine, the JavaScript thread may keep up with the server.
        assert!(
            Instant::now() < give_up,
            "the JavaScript thread does the work"
        );
        let writer = thread::spawn(move || {
            server.write_all(&pattern(length)).unwrap();
            server
        });
        let mut received = Vec::new();
        while received.len() < length {
            received.extend(application.received(socket_id));
            was_bulk |= is_bulk(application, socket_id);
        }
        assert!(received == pattern(length));
        server = writer.join().unwrap();
    }
    server
}

#[test]
fn small_messages_need_no_task() {
    let (mut application, socket_id, mut server) = secured();
    for _ in 0..10 {
        exchange(&mut application, socket_id, &mut server);
        assert!(!is_bulk(&application, socket_id));
    }
}

#[test]
fn bulk_data_moves_a_socket_to_a_task_and_small_messages_move_it_back() {
    let (mut application, socket_id, server) = secured();
    let mut server = receive_in_bulk(&mut application, socket_id, server, 8 * 1024 * 1024);
    let mut exchanges = 0;
    while is_bulk(&application, socket_id) {
        exchange(&mut application, socket_id, &mut server);
        exchanges += 1;
        assert!(exchanges < 100, "it never comes back");
    }
    exchange(&mut application, socket_id, &mut server);
}

#[test]
fn large_sends_go_to_a_task_and_end_in_order() {
    let (mut application, socket_id, mut server) = secured();
    let large = pattern(3 * 1024 * 1024);
    let requests = [b"a", &large[..], b"b"].map(|data| send(&mut application, socket_id, data));
    assert!(is_bulk(&application, socket_id));
    let length = large.len() + 2;
    let reader = thread::spawn(move || {
        let mut received = vec![0; length];
        server.read_exact(&mut received).unwrap();
        received
    });
    for request in requests {
        assert_eq!(application.outcome(request), Ok(()));
    }
    let received = reader.join().unwrap();
    assert!(received[1..=large.len()] == large);
    assert_eq!((received[0], received[length - 1]), (b'a', b'b'));
    assert_eq!(application.table.queued_bytes(), 0);
}

#[test]
fn bytes_of_a_closed_server_are_received_although_writing_fails() {
    let (mut application, socket_id, mut server) = secured_as(true);
    let mut records = Vec::new();
    for message in [b"one ", b"two "] {
        server.conn.writer().write_all(message).unwrap();
        server.conn.write_tls(&mut records).unwrap();
    }
    server.sock.write_all(&records).unwrap();
    // After a write that has really failed, the last bytes of the peer have arrived. Here they may
    // still be on their way.
    until(|| arrived(&application, socket_id) == records.len());
    application.set_paused(socket_id, false);
    let request = send(&mut application, socket_id, b"ping");
    let (mut outcomes, mut received) = (Vec::new(), Vec::new());
    let error = loop {
        match application.event() {
            Delivered::Receive { data, .. } => received.extend(data),
            Delivered::Complete {
                request: ended,
                outcome,
            } => outcomes.push((ended, outcome)),
            Delivered::ReceiveError { error, .. } => break error,
            other => panic!("{other:?} came before the end"),
        }
    };
    assert_eq!(received, b"one two ");
    assert_eq!(outcomes, [(request, Err(NetError::Failed.into()))]);
    assert_eq!(error, NetError::ConnectionClosed);
}

#[test]
fn an_idle_task_ends() {
    let (mut application, socket_id, server) = secured();
    let mut server = send_in_bulk(&mut application, socket_id, server, 1024 * 1024);
    let shared = shared(&application, socket_id);
    until(|| lock(&shared.pipe).handed_back);
    exchange(&mut application, socket_id, &mut server);
    assert!(!is_bulk(&application, socket_id));
}

#[test]
fn a_task_whose_server_falls_silent_ends() {
    let (mut application, socket_id, server) = secured();
    let mut server = receive_in_bulk(&mut application, socket_id, server, 4 * 1024 * 1024);
    if is_bulk(&application, socket_id) {
        let shared = shared(&application, socket_id);
        until(|| lock(&shared.pipe).handed_back);
    }
    exchange(&mut application, socket_id, &mut server);
    assert!(!is_bulk(&application, socket_id));
}

#[test]
fn an_endless_stream_does_not_delay_a_send() {
    const MAX_WRITTEN: usize = 512 * 1024 * 1024;
    let (mut application, socket_id, server) = secured();
    let mut server = receive_in_bulk(&mut application, socket_id, server, 4 * 1024 * 1024);
    let properties = SocketProperties {
        buffer_size: Some(65_536),
        ..SocketProperties::default()
    };
    let request = application.request();
    application
        .table
        .update(request.into(), socket_id, properties);
    assert_eq!(application.outcome(request), Ok(()));
    let writer = thread::spawn(move || {
        let chunk = pattern(256 * 1024);
        let mut written = 0;
        while written < 2 * MAX_WRITTEN && server.write_all(&chunk).is_ok() {
            written += chunk.len();
        }
    });
    let mut received = 0;
    while received < MAX_WRITTEN / 8 {
        received += application.received(socket_id).len();
    }
    assert!(is_bulk(&application, socket_id));
    let request = send(&mut application, socket_id, b"enough");
    loop {
        match application.event() {
            Delivered::Receive { data, .. } => received += data.len(),
            Delivered::Complete { request: ended, .. } => {
                assert_eq!(ended, request);
                break;
            }
            other => panic!("{other:?}"),
        }
        assert!(received < MAX_WRITTEN, "it is not even written");
    }
    drop(application);
    writer.join().unwrap();
}

#[test]
fn writes_to_a_server_that_does_not_read_are_bounded() {
    let (mut application, socket_id, mut server) = secured();
    let length = 32 * 1024 * 1024;
    let request = send(&mut application, socket_id, &vec![1; length]);
    let socket = application.table.socket(socket_id);
    assert!(socket.writes.has_unwritten(), "some of it waits");
    let Connection::Connected(link) = &socket.connection else {
        panic!("not connected");
    };
    assert!(link.transport.unflushed().unwrap() <= pipe::MAX_OUTBOUND);
    let reader = thread::spawn(move || {
        let mut received = vec![0; length];
        server.read_exact(&mut received).unwrap();
        received.iter().all(|&byte| byte == 1)
    });
    assert_eq!(application.outcome(request), Ok(()));
    assert!(reader.join().unwrap());
}

#[test]
fn a_table_that_is_not_asked_for_events_throttles_a_server_in_bulk() {
    let (mut application, socket_id, mut server) = secured();
    let timeout = Duration::from_millis(200);
    server.sock.set_write_timeout(Some(timeout)).unwrap();
    server.sock.set_read_timeout(Some(timeout)).unwrap();
    // Enough for the task to have taken over.
    let chunk = pattern(1024 * 1024);
    let writer = thread::spawn(move || {
        let mut written = 0;
        while server.write_all(&chunk).is_ok() {
            written += chunk.len();
            assert!(written < 64 * 1024 * 1024, "nothing throttles this server");
        }
        server
    });
    while !is_bulk(&application, socket_id) {
        application.received(socket_id);
    }
    let server = writer.join().unwrap();
    assert!(application.table.buffered_bytes() <= 2 * pipe::MAX_INBOUND);
    drop(server);
}

#[test]
fn the_end_follows_earlier_bytes_in_both_modes() {
    for length in [5, 8 * 1024 * 1024] {
        let (mut application, socket_id, mut server) = secured();
        let writer = thread::spawn(move || {
            server.write_all(&pattern(length)).unwrap();
            server.conn.send_close_notify();
            server.conn.complete_io(&mut server.sock).unwrap();
            server.sock.shutdown(Shutdown::Write).unwrap();
            server
        });
        let mut received = Vec::new();
        while received.len() < length {
            received.extend(application.received(socket_id));
        }
        assert!(received == pattern(length));
        let error = NetError::ConnectionClosed;
        let end = Delivered::ReceiveError { socket_id, error };
        assert_eq!(application.event(), end);
        writer.join().unwrap();
    }
}

#[test]
fn a_tampered_record_ends_the_connection_after_valid_ones() {
    let (mut application, socket_id, mut server) = secured();
    server.write_all(b"sound").unwrap();
    server.flush().unwrap();
    server.sock.write_all(&[23, 3, 3, 0, 20]).unwrap();
    server.sock.write_all(&[7; 20]).unwrap();
    assert_eq!(application.received(socket_id), b"sound");
    let error = NetError::ConnectionClosed;
    let end = Delivered::ReceiveError { socket_id, error };
    assert_eq!(application.event(), end);
}

/// The next owner of a socket, which reads.
fn next_owner(mut former: Application, socket_id: SocketId) -> Application {
    let persistent = SocketProperties {
        persistent: Some(true),
        ..SocketProperties::default()
    };
    let request = former.request();
    former.table.update(request.into(), socket_id, persistent);
    former.table.end();
    let mut next = Application::new();
    next.table.adopt(socket_id);
    let request = next.request();
    next.table.set_paused(request.into(), socket_id, false);
    assert_eq!(next.outcome(request), Ok(()));
    next
}

#[test]
fn a_socket_with_small_messages_is_handed_over() {
    let (mut former, socket_id, mut server) = secured();
    exchange(&mut former, socket_id, &mut server);
    let mut next = next_owner(former, socket_id);
    exchange(&mut next, socket_id, &mut server);
    assert!(!is_bulk(&next, socket_id));
}

#[test]
fn a_bulk_socket_returns_to_inline_mode_at_its_new_owner() {
    let (mut former, socket_id, mut server) = secured();
    let length = 8 * 1024 * 1024;
    let writer = thread::spawn(move || {
        server.write_all(&pattern(length)).unwrap();
        server
    });
    let mut received = Vec::new();
    while !is_bulk(&former, socket_id) {
        received.extend(former.received(socket_id));
    }
    let mut next = next_owner(former, socket_id);
    while received.len() < length {
        received.extend(next.received(socket_id));
    }
    assert!(received == pattern(length));
    let mut server = writer.join().unwrap();
    let mut exchanges = 0;
    while is_bulk(&next, socket_id) {
        exchange(&mut next, socket_id, &mut server);
        exchanges += 1;
        assert!(exchanges < 100, "it never comes back");
    }
}

/// What a socket in bulk shares with its task.
fn shared(application: &Application, socket_id: SocketId) -> Arc<BulkShared<BulkSession>> {
    match &secure(application, socket_id).mode {
        Mode::Bulk(shared) => Arc::clone(shared),
        Mode::Inline(_) | Mode::Closed => panic!("no task"),
    }
}

/// Waits until something is so.
fn until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "it never comes to that");
        thread::yield_now();
    }
}

/// A socket whose task has ended with `pong` not fetched, of which its owner was not told yet.
fn ended_unnoticed() -> (Application, SocketId, Server) {
    let (mut application, socket_id, server) = secured();
    let length = 3 * 1024 * 1024;
    let mut server = send_in_bulk(&mut application, socket_id, server, length);
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        // On a busy machine, the table may have noticed the end with the last message.
        if !is_bulk(&application, socket_id) {
            server = send_in_bulk(&mut application, socket_id, server, length);
        }
        let shared = shared(&application, socket_id);
        server.write_all(b"pong").unwrap();
        server.flush().unwrap();
        assert!(Instant::now() < give_up, "the task never ends");
        let until = Instant::now() + Duration::from_millis(20);
        while !lock(&shared.pipe).handed_back && Instant::now() < until {
            thread::yield_now();
        }
        if lock(&shared.pipe).handed_back {
            break;
        }
        assert_eq!(application.received(socket_id), b"pong");
    }
    assert!(is_bulk(&application, socket_id), "nobody has noticed");
    (application, socket_id, server)
}

#[test]
fn a_socket_whose_task_has_ended_unnoticed_is_handed_over() {
    let (former, socket_id, mut server) = ended_unnoticed();
    let mut next = next_owner(former, socket_id);
    assert!(!is_bulk(&next, socket_id));
    assert_eq!(next.received(socket_id), b"pong");
    exchange(&mut next, socket_id, &mut server);
}

#[test]
fn a_send_to_a_task_that_has_just_ended_arrives() {
    let (mut application, socket_id, mut server) = ended_unnoticed();
    let request = send(&mut application, socket_id, b"ping");
    let told = [application.event(), application.event()];
    let outcome = Ok(());
    assert!(told.contains(&Delivered::Complete { request, outcome }));
    let data = b"pong".to_vec();
    assert!(told.contains(&Delivered::Receive { socket_id, data }));
    let mut received = [0; 4];
    server.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"ping");
}

/// Lets a message come to a paused socket, of which the JavaScript thread keeps what follows the
/// first one, `second`; then a large send starts a task.
fn kept_before_a_task() -> (Application, SocketId, Server) {
    let (mut application, socket_id, mut server) = secured();
    exchange(&mut application, socket_id, &mut server);
    let request = application.request();
    application
        .table
        .set_paused(request.into(), socket_id, true);
    assert_eq!(application.outcome(request), Ok(()));
    // The read that was in flight brings the first message.
    server.write_all(b"first ").unwrap();
    server.flush().unwrap();
    assert_eq!(application.received(socket_id), b"first ");
    server.write_all(b"second ").unwrap();
    server.flush().unwrap();
    until(|| {
        let request = application.request();
        application.table.info(request.into(), socket_id);
        application.outcome(request).unwrap();
        secure(&application, socket_id).buffered_bytes() > 0
    });
    let server = send_in_bulk(&mut application, socket_id, server, super::SMALL_WRITE + 1);
    (application, socket_id, server)
}

/// Receives what was expected, once the socket is paused no more.
fn receive_again(application: &mut Application, socket_id: SocketId, expected: &[u8]) {
    let request = application.request();
    application
        .table
        .set_paused(request.into(), socket_id, false);
    assert_eq!(application.outcome(request), Ok(()));
    let mut received = Vec::new();
    while received.len() < expected.len() {
        received.extend(application.received(socket_id));
    }
    assert_eq!(received, expected);
}

/// Sends bytes, each of which the task reads by itself.
fn send_slowly(shared: &BulkShared<BulkSession>, mut stream: &StdTcpStream, pieces: &[&[u8]]) {
    let reads = || lock(&shared.session).as_ref().map(|task| task.small_reads);
    for piece in pieces {
        let before = reads();
        stream.write_all(piece).unwrap();
        until(|| reads() > before);
    }
}

/// What the server would send to say this.
fn encrypt(server: &mut Server, data: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    server.conn.writer().write_all(data).unwrap();
    server.conn.write_tls(&mut record).unwrap();
    record
}

#[test]
fn bytes_read_inline_precede_those_of_the_task() {
    let (mut application, socket_id, mut server) = kept_before_a_task();
    let shared = shared(&application, socket_id);
    // So many reads bring nothing to fetch, the last one does, and the task ends.
    let record = encrypt(&mut server, b"third");
    let (bytes, rest) = record.split_at(bulk::MAX_SMALL_READS as usize - 1);
    let pieces: Vec<_> = bytes.chunks(1).chain([rest]).collect();
    send_slowly(&shared, &server.sock, &pieces);
    until(|| lock(&shared.pipe).handed_back);
    receive_again(&mut application, socket_id, b"second third");
    assert!(!is_bulk(&application, socket_id));
}

#[test]
fn bytes_of_a_paused_socket_outlast_a_task() {
    let (mut application, socket_id, mut server) = kept_before_a_task();
    let shared = shared(&application, socket_id);
    let records =
        [b"third "; 2 * bulk::MAX_SMALL_READS as usize].map(|data| encrypt(&mut server, data));
    let pieces: Vec<_> = records.iter().map(Vec::as_slice).collect();
    send_slowly(&shared, &server.sock, &pieces);
    let expected = [b"second ".to_vec(), b"third ".repeat(pieces.len())].concat();
    receive_again(&mut application, socket_id, &expected);
}

#[test]
fn bytes_sent_before_a_tls_reset_are_received_even_if_a_send_fails() {
    let (mut application, socket_id, mut server) = secured();
    exchange(&mut application, socket_id, &mut server);
    server.write_all(b"last words").unwrap();
    server.flush().unwrap();
    let socket = socket2::SockRef::from(&server.sock);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    let request = send(&mut application, socket_id, b"too late");
    // Which of the two comes first depends on whether the socket was found readable before.
    let told = [application.event(), application.event()];
    let failed = Delivered::Complete {
        request,
        outcome: Err(NetError::Failed.into()),
    };
    let data = b"last words".to_vec();
    assert!(told.contains(&failed), "{told:?}");
    assert!(told.contains(&Delivered::Receive { socket_id, data }));
    let error = NetError::ConnectionClosed;
    let end = Delivered::ReceiveError { socket_id, error };
    assert_eq!(application.event(), end);
}

#[test]
fn an_invalid_record_ends_the_connection_before_it_is_complete() {
    let (mut application, socket_id, mut server) = secured();
    exchange(&mut application, socket_id, &mut server);
    // Read as the header of a record it would announce 20,527 bytes.
    server.sock.write_all(b"HTTP/1.1 400\r\n").unwrap();
    let error = NetError::ConnectionClosed;
    assert_eq!(
        application.event(),
        Delivered::ReceiveError { socket_id, error }
    );
}

#[test]
fn a_record_of_another_version_ends_the_connection() {
    let (mut application, socket_id, mut server) = secured();
    exchange(&mut application, socket_id, &mut server);
    let mut records = Vec::new();
    for word in [&b"before"[..], b"behind"] {
        server.conn.writer().write_all(word).unwrap();
        let begin = records.len();
        server.conn.write_tls(&mut records).unwrap();
        if word == b"behind" {
            records[begin + 2] = 1;
        }
    }
    server.sock.write_all(&records).unwrap();
    assert_eq!(application.received(socket_id), b"before");
    let error = NetError::ConnectionClosed;
    assert_eq!(
        application.event(),
        Delivered::ReceiveError { socket_id, error }
    );
}

/// Lets every write of the socket fail from now on, while reads succeed.
fn shut(application: &Application, socket_id: SocketId) {
    match &secure(application, socket_id).mode {
        Mode::Inline(tls_socket) => tls_socket.socket.socket().shutdown(Shutdown::Write),
        Mode::Bulk(shared) => {
            let tls_socket = lock(&shared.session);
            socket2::SockRef::from(&tls_socket.as_ref().unwrap().tls_socket.socket)
                .shutdown(Shutdown::Write)
        }
        Mode::Closed => panic!("gone"),
    }
    .unwrap();
}

#[test]
fn a_connection_that_can_only_be_read_ends_when_it_is_read() {
    for length in [10, 1024 * 1024] {
        let (mut application, socket_id, mut server) = secured();
        exchange(&mut application, socket_id, &mut server);
        server.write_all(b"before").unwrap();
        server.flush().unwrap();
        shut(&application, socket_id);
        let request = send(&mut application, socket_id, &pattern(length));
        let mut events = [application.event(), application.event()];
        events.sort_by_key(|event| matches!(event, Delivered::Receive { .. }));
        let [end, received] = events;
        let outcome = Err(NetError::Failed.into());
        assert_eq!(end, Delivered::Complete { request, outcome });
        let data = b"before".to_vec();
        assert_eq!(received, Delivered::Receive { socket_id, data });
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
    }
}

#[test]
fn bytes_of_a_failed_write_are_not_encrypted_again() {
    let (mut application, socket_id, mut server) = secured();
    exchange(&mut application, socket_id, &mut server);
    shut(&application, socket_id);
    let (socket, poller) = application.table.watched(socket_id);
    let Connection::Connected(link) = &mut socket.connection else {
        panic!("not connected")
    };
    let waiting = |link: &crate::socket::Link| match &link.transport {
        Transport::Secure(secure) => match &secure.mode {
            Mode::Inline(tls_socket) => tls_socket.tls.connection.wants_write(),
            _ => panic!("not the JavaScript thread's"),
        },
        Transport::Plain(_) => panic!("not secured"),
    };
    assert!(matches!(
        link.transport.poll_write(b"once", poller),
        Poll::Ready(Err(_))
    ));
    assert!(waiting(link));
    let Transport::Secure(secure) = &mut link.transport else {
        panic!("not secured")
    };
    let Mode::Inline(tls_socket) = &mut secure.mode else {
        panic!("not the JavaScript thread's")
    };
    let mut encrypted = Vec::new();
    tls_socket.tls.connection.write_tls(&mut encrypted).unwrap();
    assert!(matches!(
        link.transport.poll_write(b"once", poller),
        Poll::Ready(Err(_))
    ));
    assert!(!waiting(link));
}

#[test]
#[cfg_attr(windows, ignore = "any poller of Windows can release the socket")]
fn a_connection_that_no_task_can_take_over_reports_its_end() {
    let (mut application, socket_id, _server) = secured();
    let other_poller = crate::wake::readiness::Poller::new(&Arc::default()).unwrap();
    let socket = application.table.socket_mut(socket_id);
    let Connection::Connected(link) = &mut socket.connection else {
        panic!("not connected")
    };
    assert!(link.read.is_some());
    let Transport::Secure(secure) = &mut link.transport else {
        panic!("not secured")
    };
    // It does not watch the socket, so it cannot release it.
    secure.start_task(&other_poller, 0);
    assert_eq!(
        application.event(),
        Delivered::ReceiveError {
            socket_id,
            error: NetError::ConnectionClosed
        }
    );
    assert!(application.cause.is_some());
}

#[test]
fn the_tasks_that_decrypt_far_ahead_are_bounded() {
    // Tests beside this one have some, and give them back when they like.
    let leave = std::iter::from_fn(bulk::ReadAheadPermit::try_acquire);
    let ahead: Vec<_> = leave.take(bulk::MAX_READ_AHEAD + 1).collect();
    assert!(ahead.len() <= bulk::MAX_READ_AHEAD);
    // Without leave a task moves everything all the same.
    let (mut application, socket_id, server) = secured();
    let _server = receive_in_bulk(&mut application, socket_id, server, 2 * 1024 * 1024);
    drop(ahead);
    assert!(bulk::ReadAheadPermit::try_acquire().is_some());
}

/// Asks for events, of which there must be none, until the task has taken over.
fn until_bulk(application: &mut Application, socket_id: SocketId) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_bulk(application, socket_id) {
        let next = application.table.next_event(true);
        assert!(matches!(next, Next::Nothing | Next::Turn | Next::PollAgain));
        assert!(Instant::now() < end, "the JavaScript thread does the work");
        thread::yield_now();
    }
}

#[test]
fn endless_session_tickets_are_read_by_a_task() {
    for paused in [false, true] {
        let (mut application, socket_id, mut server) = secured_with(false, 500);
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, paused);
        assert_eq!(application.outcome(request), Ok(()));
        server.flush().unwrap();
        until_bulk(&mut application, socket_id);
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, false);
        assert_eq!(application.outcome(request), Ok(()));
        server.write_all(b"behind").unwrap();
        server.flush().unwrap();
        assert_eq!(application.received(socket_id), b"behind");
    }
}

#[test]
fn a_few_session_tickets_need_no_task() {
    let (mut application, socket_id, mut server) = secured_with(false, 2);
    server.flush().unwrap();
    exchange(&mut application, socket_id, &mut server);
    assert!(!is_bulk(&application, socket_id));
}

#[test]
fn a_record_that_arrives_byte_by_byte_is_read_by_a_task() {
    let (mut application, socket_id, mut server) = secured();
    let record = encrypt(&mut server, &pattern(1000));
    let (head, rest) = record.split_at(record.len() - 1);
    for byte in head {
        server.sock.write_all(&[*byte]).unwrap();
        let end = Instant::now() + Duration::from_millis(20);
        while !is_bulk(&application, socket_id) && Instant::now() < end {
            let next = application.table.next_event(true);
            assert!(matches!(next, Next::Nothing | Next::Turn | Next::PollAgain));
        }
        if is_bulk(&application, socket_id) {
            break;
        }
    }
    assert!(is_bulk(&application, socket_id));
    let shared = shared(&application, socket_id);
    // It has brought nothing yet, so it stays with the task, however small the reads are.
    let read = || match &*lock(&shared.session) {
        Some(task) => task.tls_socket.tls.framer.bytes_needed(),
        None => panic!("the task has ended"),
    };
    let missing = read();
    server
        .sock
        .write_all(&head[head.len() + 1 - missing..])
        .unwrap();
    until(|| read() == 1);
    server.sock.write_all(rest).unwrap();
    assert_eq!(application.received(socket_id), pattern(1000));
}

#[test]
fn a_turn_leaves_remaining_records_to_the_next() {
    let (mut application, socket_id, mut server) = secured();
    let sent = pattern(10 * session::RECORDS_PER_CLOCK_READ as usize);
    let records: Vec<u8> = sent
        .iter()
        .flat_map(|&byte| encrypt(&mut server, &[byte]))
        .collect();
    let mut tls = take_tls(&mut application, socket_id);
    let mut turns = 0;
    let mut received = Vec::new();
    let no_time = || Turn {
        limit: Duration::ZERO,
        ..Turn::of_javascript()
    };
    tls.process(&records, &mut received, &mut no_time());
    while !tls.unprocessed.is_empty() {
        tls.process_rest(&mut received, &mut no_time());
        turns += 1;
    }
    assert_eq!(received, sent);
    assert_eq!(turns, 9, "turns after the first");
    assert!(!tls.health.has_ended());
}

/// The state of a socket's TLS, without its socket.
fn take_tls(application: &mut Application, socket_id: SocketId) -> Tls {
    let socket = application.table.socket_mut(socket_id);
    let Connection::Connected(link) = &mut socket.connection else {
        panic!("not connected")
    };
    let Transport::Secure(secure) = &mut link.transport else {
        panic!("not secured")
    };
    match std::mem::replace(&mut secure.mode, Mode::Closed) {
        Mode::Inline(tls_socket) => tls_socket.tls,
        Mode::Bulk(_) | Mode::Closed => panic!("not the JavaScript thread's"),
    }
}

#[test]
fn records_without_plaintext_are_counted_until_plaintext_comes() {
    let mut fruitless = Fruitless::default();
    fruitless.count_record(true, session::MAX_FRUITLESS_BYTES);
    assert!(!fruitless.is_much());
    fruitless.count_record(true, 1);
    assert!(fruitless.is_much());
    fruitless.count_record(false, 1);
    assert!(!fruitless.is_much());
    for _ in 0..session::MAX_FRUITLESS_READS {
        fruitless.count_read(false);
    }
    fruitless.count_read(true);
    assert!(!fruitless.is_much());
    fruitless.count_read(false);
    assert!(fruitless.is_much());
}

#[test]
fn a_failed_write_decrypts_for_at_most_one_turn() -> io::Result<()> {
    let (mut application, socket_id, mut server) = secured();
    exchange(&mut application, socket_id, &mut server);
    // Far more records than a turn has time for.
    let sent = pattern(20_000);
    let records: Vec<u8> = sent
        .iter()
        .flat_map(|&byte| encrypt(&mut server, &[byte]))
        .collect();
    server.sock.write_all(&records)?;
    shut(&application, socket_id);
    let begun = Instant::now();
    let request = send(&mut application, socket_id, b"too late");
    let held = begun.elapsed();
    let (mut received, mut outcome) = (Vec::new(), None);
    while received.len() < sent.len() {
        match application.event() {
            Delivered::Receive { data, .. } => received.extend(data),
            Delivered::Complete {
                request: ended,
                outcome: how,
            } if ended == request => outcome = Some(how),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(received, sent);
    assert_eq!(outcome, Some(Err(NetError::Failed.into())));
    // In a debug build all of it takes about a second.
    assert!(held < Duration::from_millis(100), "{held:?}");
    Ok(())
}

#[test]
fn sent_bytes_and_the_end_arrive_although_bytes_are_unread() {
    for length in [10_000, 1_000_000] {
        let (mut application, socket_id, mut server) = secured();
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, true);
        assert_eq!(application.outcome(request), Ok(()));
        let mut greeter = server.sock.try_clone().unwrap();
        server.conn.set_buffer_limit(None);
        server.conn.writer().write_all(&pattern(300_000)).unwrap();
        let greeting = thread::spawn(move || {
            while server.conn.wants_write() {
                server.conn.write_tls(&mut greeter).unwrap();
            }
            server
        });
        let request = send(&mut application, socket_id, &pattern(length));
        let reader = thread::spawn(move || {
            let mut server = greeting.join().unwrap();
            let mut received = Vec::new();
            // An end without close_notify would be an error.
            server.read_to_end(&mut received).unwrap();
            received
        });
        loop {
            match application.event() {
                Delivered::Complete {
                    request: ended,
                    outcome,
                } => {
                    assert_eq!((ended, outcome), (request, Ok(())));
                    break;
                }
                Delivered::Receive { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        application.table.end();
        assert!(reader.join().unwrap() == pattern(length));
    }
}
