//! From a connected socket to a TLS stream, as Chromium's `TLSSocketFactory` does it.

use std::{
    error, fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use once_cell::sync::OnceCell;
use rustls::{
    ClientConfig, ClientConnection, SignatureScheme, SupportedProtocolVersion,
    client::{ResolvesClientCert, Resumption},
    pki_types::ServerName,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::block_in_place,
};
use tokio_rustls::TlsConnector;

use crate::{
    net_error::{HandshakeProgress, NetError},
    record_ends::{Passed, RecordEnds},
    trust::{self, TrustStore},
    verifier::{self, ServerVerifier},
};

/// What a handshake leads to: the socket, and the state of TLS, which has been given whole records
/// only.
pub(crate) struct Secured {
    pub(crate) stream: TcpStream,
    pub(crate) connection: ClientConnection,
}

/// The TLS versions that one `secure()` call may end up with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TlsVersionRange {
    min: TlsVersion,
    max: TlsVersion,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsVersionRange {
    /// Reads `tlsVersion.min` and `tlsVersion.max` as Chromium's `tls_socket.cc` does.
    ///
    /// `tls1.2` and `tls1.3` are the versions there are. Older names ask for something that no
    /// longer exists and unknown ones for nothing, so both leave the default: 1.2 to 1.3. No string
    /// is an error; a range that is empty fails the handshake.
    pub(crate) fn parse(min: Option<&str>, max: Option<&str>) -> Self {
        Self {
            min: TlsVersion::parse(min).unwrap_or(TlsVersion::Tls12),
            max: TlsVersion::parse(max).unwrap_or(TlsVersion::Tls13),
        }
    }
}

impl TlsVersion {
    fn parse(name: Option<&str>) -> Option<Self> {
        match name? {
            "tls1.2" => Some(Self::Tls12),
            "tls1.3" => Some(Self::Tls13),
            _ => None,
        }
    }
}

/// Secures `stream` and verifies that the server is `host`.
///
/// `host` is a canonical host name or an IP address without brackets. There is no time limit;
/// dropping the future closes the connection. Needs a multi-threaded tokio runtime.
///
/// # Errors
/// What Chromium would pass to the callback of `secure()`.
pub(crate) async fn handshake(
    stream: TcpStream,
    host: &str,
    versions: TlsVersionRange,
) -> Result<Secured, NetError> {
    static CLIENT: OnceCell<Client> = OnceCell::new();

    let client = match CLIENT.get() {
        Some(client) => client,
        // Reads files. Blocking threads are no place for it: all may be waiting for a resolver.
        None => block_in_place(|| CLIENT.get_or_try_init(|| Client::new(trust::process_wide())))?,
    };
    client.handshake(stream, host, versions).await
}

/// What all handshakes share: the trust anchors and the settings for each range of versions.
struct Client {
    tls12: ClientConfig,
    tls13: ClientConfig,
    either: ClientConfig,
}

impl Client {
    fn new(trust: &Arc<TrustStore>) -> Result<Self, NetError> {
        let provider = Arc::new(verifier::provider());
        let verifier = Arc::new(ServerVerifier::new(Arc::clone(trust)));
        let config = |versions: &[&'static SupportedProtocolVersion]| {
            let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(versions)
                .map_err(|_| NetError::Unexpected)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
                .with_client_cert_resolver(Arc::new(NoClientCertificate::default()));
            config.resumption = Resumption::disabled();
            Ok::<_, NetError>(config)
        };
        Ok(Self {
            tls12: config(&[&TLS12])?,
            tls13: config(&[&TLS13])?,
            either: config(&[&TLS13, &TLS12])?,
        })
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        host: &str,
        versions: TlsVersionRange,
    ) -> Result<Secured, NetError> {
        let name = ServerName::try_from(host)
            .map_err(|_| NetError::Failed)?
            .to_owned();
        let mut config = match (versions.min, versions.max) {
            (TlsVersion::Tls12, TlsVersion::Tls13) => &self.either,
            (TlsVersion::Tls12, TlsVersion::Tls12) => &self.tls12,
            (TlsVersion::Tls13, TlsVersion::Tls13) => &self.tls13,
            (TlsVersion::Tls13, TlsVersion::Tls12) => return Err(NetError::SslProtocolError),
        }
        .clone();
        let resolver = Arc::new(NoClientCertificate::default());
        config.client_auth_cert_resolver = Arc::clone(&resolver) as _;

        let stream = WatchedStream::new(stream, resolver);
        let result = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .into_fallible()
            .await;
        match result {
            Ok(stream) => {
                let (WatchedStream { stream, .. }, connection) = stream.into_inner();
                Ok(Secured { stream, connection })
            }
            Err((error, stream)) => Err(stream.explain(&error)),
        }
    }
}

/// Has no certificate to offer, and remembers that the server asked for one.
#[derive(Debug, Default)]
struct NoClientCertificate {
    asked: AtomicBool,
}

impl ResolvesClientCert for NoClientCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The TCP stream under a TLS stream.
///
/// It keeps an eye on the records that pass, because `rustls` does not tell how far a failed
/// handshake had come, and it stops the client's answer to a server that wants a client
/// certificate: Chromium has none to give and ends the connection at that point. No read passes the
/// end of a record, so that nothing but whole records has been read when the handshake is done.
#[derive(Debug)]
struct WatchedStream {
    stream: TcpStream,
    resolver: Arc<NoClientCertificate>,
    records: RecordEnds,
    opening: Opening,
}

impl WatchedStream {
    fn new(stream: TcpStream, resolver: Arc<NoClientCertificate>) -> Self {
        Self {
            stream,
            resolver,
            records: RecordEnds::default(),
            opening: Opening::Silence,
        }
    }

    fn certificate_asked(&self) -> bool {
        self.resolver.asked.load(Ordering::Relaxed)
    }

    /// Whether `bytes` are the client's second flight to a server that wants a certificate.
    fn must_not_send(&self, bytes: &[u8]) -> bool {
        // The compatibility record that TLS 1.3 sends first tells the server nothing, and the
        // verdict on the server's certificate may still be to come.
        self.certificate_asked() && !bytes.is_empty() && bytes.first() != Some(&CHANGE_CIPHER_SPEC)
    }

    fn explain(&self, error: &io::Error) -> NetError {
        let cause = error.get_ref();
        if let Some(&reason) = cause.and_then(|cause| cause.downcast_ref::<BreakOff>()) {
            return reason.into();
        }
        cause.and_then(|cause| cause.downcast_ref()).map_or_else(
            || NetError::from_io(error),
            |error| {
                let progress = HandshakeProgress {
                    server_hello: matches!(self.opening, Opening::Handshake),
                    client_certificate_requested: self.certificate_asked(),
                };
                NetError::from_rustls(error, progress)
            },
        )
    }
}

/// Why the handshake ends here where rustls would let it go on.
#[derive(Clone, Copy, Debug)]
enum BreakOff {
    /// The server asked for a client certificate and nothing else was wrong.
    CertificateWanted,
    /// The server said `close_notify` instead of hello.
    ClosedBeforeHello,
}

impl From<BreakOff> for NetError {
    fn from(reason: BreakOff) -> Self {
        match reason {
            BreakOff::CertificateWanted => Self::SslClientAuthCertNeeded,
            BreakOff::ClosedBeforeHello => Self::SslProtocolError,
        }
    }
}

impl fmt::Display for BreakOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NetError::from(*self).name())
    }
}

impl error::Error for BreakOff {}

const ALERT: u8 = 21;
const CLOSE_NOTIFY: u8 = 0;
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

/// What the peer has begun with.
#[derive(Debug)]
enum Opening {
    Silence,
    Handshake,
    CloseNotify,
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut room = [0; 4096];
        let wanted = this.records.wanted().min(room.len()).min(buf.remaining());
        let mut room = ReadBuf::new(room.get_mut(..wanted).unwrap_or_default());
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut room))?;
        let read = room.filled();
        let passed = this.records.advance(read);
        if matches!(this.opening, Opening::Silence) {
            this.opening = match (passed, read.last()) {
                (Passed::Header(HANDSHAKE), _) => Opening::Handshake,
                // The last byte of an alert is its description.
                (Passed::Record(ALERT), Some(&CLOSE_NOTIFY)) => Opening::CloseNotify,
                _ => Opening::Silence,
            };
        }
        if matches!(this.opening, Opening::CloseNotify) {
            return Poll::Ready(Err(io::Error::other(BreakOff::ClosedBeforeHello)));
        }
        buf.put_slice(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.must_not_send(buf) {
            return Poll::Ready(Err(io::Error::other(BreakOff::CertificateWanted)));
        }
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.certificate_asked() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| buf));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
