//! Handshakes over loopback with valid, broken and hostile servers.

mod certificates;
mod peers;

use std::{
    io::{self, Read, Write},
    mem,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream as StdTcpStream},
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use once_cell::sync::Lazy;
use rcgen::KeyPair;
use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_native_certs::CertificateResult;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use self::certificates::World;
use super::*;
use crate::tls::session;
use crate::tls::trust::Sources;
use crate::tls::versions::TlsVersionRange;

/// The longest that any test waits.
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) const ANY_VERSION: TlsVersionRange = TlsVersionRange {
    min: TlsVersion::Tls12,
    max: TlsVersion::Tls13,
};

static RUNTIME: Lazy<Runtime> = Lazy::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_io()
        .build()
        .unwrap()
});

/// The authorities of the tests that do not create their own.
static WORLD: Lazy<World> = Lazy::new(World::new);

/// A client that trusts only these authorities.
pub(super) fn client_trusting(certificates: &[CertificateDer<'static>]) -> Arc<Client> {
    let mut store = CertificateResult::default();
    store.certs = certificates.to_vec();
    let trust = TrustStore::load(&Sources::default(), || store);
    Arc::new(Client::new(&Arc::new(trust), &TlsSettings::none()).unwrap())
}

/// Starts a handshake in the background; its result arrives in the channel.
pub(super) fn start_handshake(
    client: &Arc<Client>,
    address: SocketAddr,
    host: &'static str,
    versions: TlsVersionRange,
) -> mpsc::Receiver<Result<Secured, NetError>> {
    let client = Arc::clone(client);
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move {
        let stream = closing::Stream::new(TcpStream::connect(address).await.unwrap());
        let _ = sender.send(client.handshake(stream, host, versions).await);
    });
    receiver
}

/// The code that a handshake ends with, 0 if it succeeds.
pub(super) fn handshake_code(
    client: &Arc<Client>,
    address: SocketAddr,
    host: &'static str,
    versions: TlsVersionRange,
) -> i32 {
    start_handshake(client, address, host, versions)
        .recv_timeout(DEADLINE)
        .expect("the handshake ends")
        .map_or_else(NetError::code, |_| 0)
}

/// Accepts connections on loopback and gives each to `serve`, in threads that end with the test.
pub(super) fn listen(
    serve: impl Fn(StdTcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (serve, stream) = (Arc::clone(&serve), stream.unwrap());
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            // The tests check the client's result, not the server's.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    address
}

/// A TLS server that echoes.
pub(super) fn serve_tls(config: ServerConfig) -> SocketAddr {
    let config = Arc::new(config);
    listen(move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut tls = rustls::Stream::new(&mut connection, &mut stream);
        let mut buffer = [0; 1024];
        loop {
            match tls.read(&mut buffer)? {
                0 => return Ok(()),
                count => tls.write_all(&buffer[..count])?,
            }
        }
    })
}

/// A server configuration that presents this chain without checking it.
pub(super) fn server_config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let key = provider.key_provider.load_private_key(key.into()).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
            chain, key,
        ))))
}

#[test]
fn tls_versions_are_read_as_chromium_reads_them() {
    use TlsVersion::{Tls12, Tls13};
    let table = [
        (None, None, Tls12, Tls13),
        (Some("tls1.2"), Some("tls1.2"), Tls12, Tls12),
        (Some("tls1.3"), Some("tls1.3"), Tls13, Tls13),
        (Some("tls1.3"), Some("tls1.2"), Tls13, Tls12),
        (Some("tls1"), Some("tls1"), Tls12, Tls13),
        (Some("tls1.1"), Some("tls1.1"), Tls12, Tls13),
        (Some("TLS1.3"), Some("TLS1.2"), Tls12, Tls13),
        (Some(""), Some(""), Tls12, Tls13),
        (Some("tls1.3 "), Some("ssl3"), Tls12, Tls13),
        (None, Some("tls1.2"), Tls12, Tls12),
        (Some("tls1.3"), None, Tls13, Tls13),
    ];
    for (least, most, min, max) in table {
        let range = TlsVersionRange::parse(least, most);
        assert_eq!(range, TlsVersionRange { min, max }, "{least:?} {most:?}");
    }
}

#[test]
fn a_range_without_a_version_fails_before_anything_is_sent() {
    let (sender, received) = mpsc::channel();
    let address = listen(move |mut stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        sender.send(bytes).unwrap();
        Ok(())
    });
    let empty = TlsVersionRange::parse(Some("tls1.3"), Some("tls1.2"));
    assert_eq!(
        handshake_code(&client_trusting(&[]), address, "localhost", empty),
        -107
    );
    assert_eq!(received.recv_timeout(DEADLINE).unwrap(), b"");
}

#[test]
fn hosts_that_are_neither_names_nor_addresses_fail() {
    let address = listen(|mut stream| stream.read(&mut [0]).map(drop));
    let client = client_trusting(&[]);
    for (host, expected) in [
        ("", -9),
        ("[::1]", -2),
        ("fe80::1%eth0", -2),
        ("256.1.1.1", -2),
        ("a/b", -2),
    ] {
        let code = handshake_code(&client, address, host, ANY_VERSION);
        assert_eq!(code, expected, "{host:?}");
    }
    let empty = TlsVersionRange::parse(Some("tls1.3"), Some("tls1.2"));
    assert_eq!(handshake_code(&client, address, "a/b", empty), -2);
}

/// The server name in the hello of a client that connects to `host`, and whether it offers ALPN.
fn hello_to(host: &'static str) -> (Option<String>, bool) {
    let (sender, hellos) = mpsc::channel();
    let address = listen(move |mut stream| {
        let mut acceptor = rustls::server::Acceptor::default();
        let accepted = loop {
            acceptor.read_tls(&mut stream)?;
            if let Some(accepted) = acceptor.accept().unwrap() {
                break accepted;
            }
        };
        let hello = accepted.client_hello();
        let name = hello.server_name().map(String::from);
        sender.send((name, hello.alpn().is_some())).unwrap();
        Ok(())
    });
    handshake_code(&client_trusting(&[]), address, host, ANY_VERSION);
    hellos.recv_timeout(DEADLINE).unwrap()
}

#[test]
fn the_client_hello_contains_a_name_but_no_address_and_no_protocol() {
    assert_eq!(hello_to("a.test"), (Some("a.test".into()), false));
    assert_eq!(hello_to("a.test."), (Some("a.test".into()), false));
    assert_eq!(hello_to("a_b.test"), (Some("a_b.test".into()), false));
    assert_eq!(hello_to("127.0.0.1"), (None, false));
    assert_eq!(hello_to("::1"), (None, false));
}

#[test]
fn a_secured_connection_carries_data() {
    let presented = WORLD.good();
    let address = serve_tls(server_config(presented.chain, &presented.key));
    let client = client_trusting(&WORLD.trusted);
    let Secured {
        stream,
        mut connection,
        ..
    } = start_handshake(&client, address, "localhost", ANY_VERSION)
        .recv_timeout(DEADLINE)
        .unwrap()
        .unwrap();
    let mut stream = stream.into_std().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), address);
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
    for part in sent.chunks(1000) {
        tls.write_all(part).unwrap();
        let mut echo = vec![0; part.len()];
        tls.read_exact(&mut echo).unwrap();
        assert_eq!(echo, part);
    }
}

#[test]
fn bytes_after_the_handshake_stay_unread() {
    const BEHIND: &[u8] = b"what no handshake could go on with";
    let presented = WORLD.good();
    let config = Arc::new(server_config(presented.chain, &presented.key));
    let address = listen(move |mut stream| {
        let mut server = ServerConnection::new(Arc::clone(&config)).unwrap();
        let is_tls13 = |server: &ServerConnection| {
            server.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
        };
        loop {
            let mut flight = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut flight)?;
            }
            if is_tls13(&server) || !server.is_handshaking() {
                flight.extend(BEHIND);
                stream.write_all(&flight)?;
                return stream.read(&mut [0; 1]).map(drop);
            }
            stream.write_all(&flight)?;
            server.read_tls(&mut stream)?;
            server.process_new_packets().unwrap();
        }
    });
    let client = client_trusting(&WORLD.trusted);
    for version in [Some("tls1.2"), Some("tls1.3")] {
        let versions = TlsVersionRange::parse(version, version);
        let secured = start_handshake(&client, address, "localhost", versions)
            .recv_timeout(DEADLINE)
            .unwrap()
            .unwrap();
        let mut stream = secured.stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut unread = vec![0; BEHIND.len()];
        stream.read_exact(&mut unread).unwrap();
        assert_eq!(unread, BEHIND, "{version:?}");
    }
}

/// A server in memory that closes after this many flights of the client: later writes fail, and its
/// data is followed by a reset.
struct ClosesAfter {
    server: ServerConnection,
    said: Vec<u8>,
    flights: usize,
    /// The data that it sends after its first flight, encrypted if the handshake is complete.
    then: fn(&mut ServerConnection, &mut Vec<u8>),
}

impl AsyncRead for ClosesAfter {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.said.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let count = buffer.remaining().min(this.said.len());
        buffer.put_slice(&this.said[..count]);
        this.said.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClosesAfter {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut flight: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.flights == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        this.flights -= 1;
        let length = flight.len();
        while !flight.is_empty() {
            this.server.read_tls(&mut flight)?;
            this.server.process_new_packets().unwrap();
        }
        if this.flights == 0 {
            (this.then)(&mut this.server, &mut this.said);
        }
        while this.server.wants_write() {
            this.server.write_tls(&mut this.said)?;
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The result of the handshake, and the remaining data of the server.
fn secure_with_vanishing(
    version: &'static SupportedProtocolVersion,
    flights: usize,
    then: fn(&mut ServerConnection, &mut Vec<u8>),
) -> Result<(bool, Vec<u8>), NetError> {
    let presented = WORLD.good();
    let mut config = server_config(presented.chain, &presented.key);
    let builder = ServerConfig::builder_with_provider(Arc::clone(config.crypto_provider()))
        .with_protocol_versions(&[version])
        .unwrap();
    config = builder
        .with_no_client_auth()
        .with_cert_resolver(config.cert_resolver);
    config.send_half_rtt_data = true;
    let server = ClosesAfter {
        server: ServerConnection::new(Arc::new(config)).unwrap(),
        said: Vec::new(),
        flights,
        then,
    };
    let client = client_trusting(&WORLD.trusted);
    let secured = RUNTIME.block_on(RUNTIME.spawn(async move {
        let result = client.connect(server, "localhost", ANY_VERSION).await;
        result.map_err(|(error, _)| error)
    }));
    let mut secured = secured.unwrap()?;
    let (rest, write_failed) = (mem::take(&mut secured.stream.said), secured.write_failed);
    Ok((write_failed, session::decrypt(secured, &rest)))
}

fn say_hello(server: &mut ServerConnection, _: &mut Vec<u8>) {
    server.writer().write_all(b"hello").unwrap();
}

#[test]
fn the_last_alert_of_a_closed_server_decides_the_code() {
    let expected = |write_failed| Ok((write_failed, b"hello".to_vec()));
    assert_eq!(secure_with_vanishing(&TLS12, 2, say_hello), expected(false));
    assert_eq!(secure_with_vanishing(&TLS13, 1, say_hello), expected(true));
    let alert = |server: &mut ServerConnection, said: &mut Vec<u8>| {
        while server.wants_write() {
            server.write_tls(said).unwrap();
        }
        said.extend([21, 3, 3, 0, 2, 2, 51]);
    };
    let refused = secure_with_vanishing(&TLS12, 1, alert);
    assert_eq!(refused, Err(NetError::SslDecryptErrorAlert));
}

#[test]
fn a_server_that_closes_in_the_handshake_resets_the_connection() {
    for version in [&TLS12, &TLS13] {
        let result = secure_with_vanishing(version, 1, |_, _| {});
        let expected = match version.version {
            rustls::ProtocolVersion::TLSv1_2 => Err(NetError::ConnectionReset),
            _ => Ok((true, Vec::new())),
        };
        assert_eq!(result, expected, "{version:?}");
    }
    for version in [&TLS12, &TLS13] {
        let result = secure_with_vanishing(version, 0, |_, _| {});
        assert_eq!(result, Err(NetError::ConnectionReset), "{version:?}");
    }
}

/// A server that sends data but does not read.
struct NeverReads(&'static [u8]);

impl AsyncRead for NeverReads {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (said, rest) = this.0.split_at(buffer.remaining().min(this.0.len()));
        buffer.put_slice(said);
        this.0 = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for NeverReads {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[test]
fn the_alert_of_a_server_that_does_not_read_decides_the_code() {
    let client = client_trusting(&[]);
    for (said, expected) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            NetError::SslProtocolError,
        ),
        (
            &[21, 3, 3, 0, 2, 2, 70],
            NetError::SslVersionOrCipherMismatch,
        ),
        (&[], NetError::ConnectionClosed),
    ] {
        let client = Arc::clone(&client);
        let (sender, ends) = mpsc::channel();
        RUNTIME.spawn(async move {
            let result = client
                .connect(NeverReads(said), "localhost", ANY_VERSION)
                .await;
            let _ = sender.send(result.map(drop).map_err(|(error, _)| error));
        });
        assert_eq!(ends.recv_timeout(DEADLINE), Ok(Err(expected)), "{said:x?}");
    }
}

/// A connection that takes few bytes at a time, and none every other time.
struct SmallSendBuffer {
    stream: TcpStream,
    full: bool,
}

impl AsyncRead for SmallSendBuffer {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for SmallSendBuffer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.full = !this.full;
        if this.full {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut this.stream).poll_write(cx, &bytes[..bytes.len().min(7)])
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[test]
fn a_flight_can_be_written_in_pieces() {
    let presented = WORLD.good();
    let address = serve_tls(server_config(presented.chain, &presented.key));
    let client = client_trusting(&WORLD.trusted);
    for version in [Some("tls1.2"), Some("tls1.3")] {
        let client = Arc::clone(&client);
        let (sender, ends) = mpsc::channel();
        RUNTIME.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let narrow = SmallSendBuffer {
                stream,
                full: false,
            };
            let versions = TlsVersionRange::parse(version, version);
            let result = client.connect(narrow, "localhost", versions).await;
            let _ = sender.send(
                result
                    .map(|secured| secured.write_failed)
                    .map_err(|(error, _)| error),
            );
        });
        assert_eq!(ends.recv_timeout(DEADLINE), Ok(Ok(false)), "{version:?}");
    }
}

#[test]
fn an_aborted_handshake_closes_the_connection() {
    let (sender, events) = mpsc::channel();
    let address = listen(move |mut stream| {
        let mut hello = [0; 1];
        stream.read_exact(&mut hello)?;
        sender.send("hello").unwrap();
        io::copy(&mut stream, &mut io::sink())?;
        sender.send("end").unwrap();
        Ok(())
    });
    let client = client_trusting(&[]);
    let task = RUNTIME.spawn(async move {
        let stream = closing::Stream::new(TcpStream::connect(address).await.unwrap());
        client
            .handshake(stream, "localhost", ANY_VERSION)
            .await
            .map(drop)
    });
    assert_eq!(events.recv_timeout(DEADLINE), Ok("hello"));
    assert!(!task.is_finished());
    task.abort();
    assert_eq!(events.recv_timeout(DEADLINE), Ok("end"));
}

#[test]
fn sessions_are_never_resumed() {
    let presented = WORLD.good();
    let config = Arc::new(server_config(presented.chain, &presented.key));
    let (sender, kinds) = mpsc::channel();
    let address = listen(move |mut stream| {
        let mut server = ServerConnection::new(Arc::clone(&config)).unwrap();
        server.complete_io(&mut stream)?;
        sender.send(server.handshake_kind()).unwrap();
        // The client closes the connection.
        stream.read(&mut [0; 64]).map(drop)
    });
    let client = client_trusting(&WORLD.trusted);
    for _ in 0..3 {
        assert_eq!(
            handshake_code(&client, address, "localhost", ANY_VERSION),
            0
        );
        let kind = kinds.recv_timeout(DEADLINE).unwrap();
        assert_eq!(kind, Some(rustls::HandshakeKind::Full));
    }
}

#[test]
fn a_host_is_canonical_if_a_url_can_contain_it() {
    for host in [
        "localhost",
        "localhost.",
        "a..b",
        "-a.b",
        "a b.c",
        "a%20b",
        "*.a",
        "127.0.0.1",
        "::1",
        "1.a",
    ] {
        assert!(is_canonical(host), "{host}");
    }
    for host in [
        "a:80",
        "a/b",
        "a@b",
        "[::1]",
        "a#b",
        "a?b",
        "a\0",
        "127.0.0.256",
        "4294967296",
        "a.0x7f",
        "bücher.de",
    ] {
        assert!(!is_canonical(host), "{host}");
    }
}
