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

use rustls::{
    ClientConfig, ClientConnection, SignatureScheme, SupportedProtocolVersion,
    client::{ResolvesClientCert, Resumption},
    crypto::CryptoProvider,
    pki_types::ServerName,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{
    net_error::{HandshakeProgress, NetError},
    record_ends::{Passed, RecordEnds},
    tls_settings::TlsSettings,
    trust::{self, TrustStore},
    verifier::{self, ServerVerifier},
};

/// What a handshake leads to: the socket, and the state of TLS.
pub(crate) struct Secured<S = TcpStream> {
    pub(crate) stream: S,
    pub(crate) connection: ClientConnection,
    /// Where in a record the connection is: what followed the handshake may have been read in part.
    pub(crate) records: RecordEnds,
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
    settings: Option<&TlsSettings>,
) -> Result<Secured, NetError> {
    static UNCONFIGURED: TlsSettings = TlsSettings::none();

    let settings = settings.unwrap_or(&UNCONFIGURED);
    let trust = trust::process_wide().await?;
    let make = || Client::new(trust, settings);
    let client = settings.client.get_or_try_init(make)?;
    client.handshake(stream, host, versions).await
}

/// What the handshakes with the same settings share: the trust anchors, and a configuration for each
/// range of versions.
pub(crate) struct Client {
    tls12: ClientConfig,
    tls13: ClientConfig,
    either: ClientConfig,
    identity: Option<Arc<CertifiedKey>>,
}

impl Client {
    fn new(trust: &Arc<TrustStore>, settings: &TlsSettings) -> Result<Self, NetError> {
        Self::with_cryptography(verifier::provider(), trust, settings)
    }

    pub(crate) fn with_cryptography(
        provider: CryptoProvider,
        trust: &Arc<TrustStore>,
        settings: &TlsSettings,
    ) -> Result<Self, NetError> {
        let provider = Arc::new(provider);
        let trust = if settings.authorities.is_empty() {
            Arc::clone(trust)
        } else {
            Arc::new(trust.with(&settings.authorities))
        };
        let verifier = Arc::new(ServerVerifier::new(trust));
        let config = |versions: &[&'static SupportedProtocolVersion]| {
            let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(versions)
                .map_err(|_| NetError::Unexpected)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
                .with_client_cert_resolver(Arc::new(ClientCertificate::default()));
            config.resumption = Resumption::disabled();
            if let Some(key_log) = &settings.key_log {
                config.key_log = Arc::clone(key_log) as _;
            }
            Ok::<_, NetError>(config)
        };
        Ok(Self {
            tls12: config(&[&TLS12])?,
            tls13: config(&[&TLS13])?,
            either: config(&[&TLS13, &TLS12])?,
            identity: settings.identity.clone(),
        })
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        host: &str,
        versions: TlsVersionRange,
    ) -> Result<Secured, NetError> {
        let result = self.connect(stream, host, versions).await;
        result.map_err(|(error, stream)| {
            discard_rest(&stream);
            error
        })
    }

    /// The handshake itself, over any stream, which comes back from one that has failed.
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: &str,
        versions: TlsVersionRange,
    ) -> Result<Secured<S>, (NetError, S)> {
        let Ok(name) = ServerName::try_from(host) else {
            return Err((NetError::Failed, stream));
        };
        let mut config = match (versions.min, versions.max) {
            (TlsVersion::Tls12, TlsVersion::Tls13) => &self.either,
            (TlsVersion::Tls12, TlsVersion::Tls12) => &self.tls12,
            (TlsVersion::Tls13, TlsVersion::Tls13) => &self.tls13,
            (TlsVersion::Tls13, TlsVersion::Tls12) => {
                return Err((NetError::SslProtocolError, stream));
            }
        }
        .clone();
        let resolver = Arc::new(ClientCertificate {
            identity: self.identity.clone(),
            ..ClientCertificate::default()
        });
        config.client_auth_cert_resolver = Arc::clone(&resolver) as _;

        let stream = WatchedStream::new(stream, resolver);
        let result = TlsConnector::from(Arc::new(config))
            .connect(name.to_owned(), stream)
            .into_fallible()
            .await;
        match result {
            Ok(stream) => {
                let (watched, connection) = stream.into_inner();
                Ok(Secured {
                    stream: watched.stream,
                    connection,
                    records: watched.records,
                })
            }
            Err((error, watched)) => Err((watched.explain(&error), watched.stream)),
        }
    }
}

/// What to tell a server that asks for a certificate, and whether one did.
#[derive(Debug, Default)]
struct ClientCertificate {
    identity: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
    offered: AtomicBool,
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        let identity = self.identity.as_ref()?;
        identity.key.choose_scheme(schemes)?;
        self.offered.store(true, Ordering::Relaxed);
        Some(Arc::clone(identity))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// What is read at most of the rest of a failed handshake.
const MAX_DISCARDED: usize = 64 * 1024;

/// Reads what has come and nobody will look at: a connection that is closed with something unread is
/// reset, and a reset may overtake the alert that says why.
fn discard_rest(stream: &TcpStream) {
    let mut room = [0; 4096];
    for _ in 0..MAX_DISCARDED / room.len() {
        if !matches!(stream.try_read(&mut room), Ok(count) if count > 0) {
            return;
        }
    }
}

/// The stream under a TLS stream.
///
/// It keeps an eye on the records that pass, because `rustls` does not tell how far a failed
/// handshake had come. No read passes the end of a record.
#[derive(Debug)]
struct WatchedStream<S> {
    stream: S,
    resolver: Arc<ClientCertificate>,
    records: RecordEnds,
    opening: Opening,
    /// Whether a server that asked for a certificate has had an answer.
    answered: bool,
}

impl<S> WatchedStream<S> {
    fn new(stream: S, resolver: Arc<ClientCertificate>) -> Self {
        Self {
            stream,
            resolver,
            records: RecordEnds::default(),
            opening: Opening::Silence,
            answered: false,
        }
    }

    fn certificate_asked(&self) -> bool {
        self.resolver.asked.load(Ordering::Relaxed)
    }

    /// Notes whether `bytes` are the client's second flight to a server that asks for a certificate.
    fn follow_answer(&mut self, bytes: &[u8]) {
        // The compatibility record that TLS 1.3 sends first tells the server nothing.
        self.answered |= self.certificate_asked()
            && bytes
                .first()
                .is_some_and(|&kind| kind != CHANGE_CIPHER_SPEC);
    }

    fn explain(&self, error: &io::Error) -> NetError {
        let cause = error.get_ref();
        if let Some(ClosedBeforeHello) = cause.and_then(|cause| cause.downcast_ref()) {
            return NetError::SslProtocolError;
        }
        let Some(error) = cause.and_then(|cause| cause.downcast_ref()) else {
            return NetError::from_io(error);
        };
        let progress = HandshakeProgress {
            server_hello: matches!(self.opening, Opening::Handshake),
            client_certificate_requested: self.certificate_asked(),
        };
        match NetError::from_rustls(error, progress) {
            // It is not that the certificate is bad: there was none.
            NetError::BadSslClientAuthCert
                if self.answered && !self.resolver.offered.load(Ordering::Relaxed) =>
            {
                NetError::SslClientAuthCertNeeded
            }
            error => error,
        }
    }
}

/// Ends the handshake where rustls would let it go on: the server said `close_notify` instead of
/// hello.
#[derive(Clone, Copy, Debug)]
struct ClosedBeforeHello;

impl fmt::Display for ClosedBeforeHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed before hello")
    }
}

impl error::Error for ClosedBeforeHello {}

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

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
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
            return Poll::Ready(Err(io::Error::other(ClosedBeforeHello)));
        }
        buf.put_slice(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.follow_answer(buf);
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        for buf in bufs {
            self.follow_answer(buf);
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
