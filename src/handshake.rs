//! From a connected socket to a TLS stream, as Chromium's `TLSSocketFactory` does it.

mod hello;
mod records;

use std::{
    error, fmt, io, mem,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use once_cell::sync::Lazy;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, SignatureScheme, SupportedProtocolVersion,
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

use self::{
    hello::Hello,
    records::{ALERT, CHANGE_CIPHER_SPEC, FATAL, Records},
};
use crate::{
    net_error::{HandshakeProgress, NetError},
    tls_settings::TlsSettings,
    trust::{self, TrustStore},
    verifier::{self, ServerVerifier},
};

/// What a handshake leads to: the socket, and the state of TLS.
pub(crate) struct Secured<S = TcpStream> {
    pub(crate) stream: S,
    pub(crate) connection: ClientConnection,
    /// The client's last words could not be written: the peer is gone, and may have said something
    /// before.
    pub(crate) broken: bool,
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
    trust: Arc<TrustStore>,
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
        // Each handshake has one of its own, for its host.
        let verifier = Arc::new(ServerVerifier::new(
            Arc::clone(&trust),
            String::new(),
            Arc::default(),
        ));
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
            trust,
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
        if host.is_empty() {
            return Err((NetError::Unexpected, stream));
        }
        if !is_canonical(host) {
            return Err((NetError::Failed, stream));
        }
        // A name that DNS would not allow can be verified, but `rustls` will not ask for it; of an
        // address it says nothing to the server.
        let name =
            ServerName::try_from(host).map_or_else(|_| UNNAMED.clone(), |name| name.to_owned());
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
        let tls13 = Arc::default();
        let hello = Hello::new(versions, Arc::clone(&tls13));
        let verifier = ServerVerifier::new(Arc::clone(&self.trust), host.to_owned(), tls13);
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));

        let stream = WatchedStream::new(stream, resolver, hello);
        let result = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .into_fallible()
            .await;
        match result {
            Ok(stream) => {
                let (watched, connection) = stream.into_inner();
                Ok(Secured {
                    stream: watched.stream,
                    connection,
                    broken: watched.broken.is_some(),
                })
            }
            Err((error, watched)) => Err((watched.explain(&error), watched.stream)),
        }
    }
}

/// Whether this can be a host in an URL, as one that could not be made canonical cannot
/// (`net::CanonicalizeHost`).
fn is_canonical(host: &str) -> bool {
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").unwrap_or(label);
        let radix = if digits == label { 10 } else { 16 };
        !label.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    host.parse::<IpAddr>().is_ok()
        || host.is_ascii()
            && !host.contains([
                '\0', '#', '/', ':', '<', '>', '?', '@', '[', '\\', ']', '^', '|',
            ])
            && !name.rsplit('.').next().is_some_and(is_number)
}

/// In the place of a name that cannot be sent.
static UNNAMED: Lazy<ServerName<'static>> =
    Lazy::new(|| ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into()));

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
/// It keeps an eye on what passes, because `rustls` does not tell how far a failed handshake had come,
/// and forgives what Chromium does not.
///
/// `tokio_rustls` reads on behind the end of the handshake, where what it meets is none of that. So a
/// read brings no more than a record, and the next one only what is asked for again.
///
/// What a server that goes has said before counts: `tokio_rustls` gives up when it cannot write. So a
/// write to a peer that is gone does not fail here.
///
/// Nor does a write wait: `rustls` reads nothing before all is written, and a server that does not read
/// may have something to say (`net/socket/socket_bio_adapter.cc`).
struct WatchedStream<S> {
    stream: S,
    /// What was written and the operating system has not taken. `rustls` bounds it: it writes a flight,
    /// and the next one only when the server has answered.
    unsent: Vec<u8>,
    resolver: Arc<ClientCertificate>,
    records: Records,
    hello: Hello,
    /// Why nothing can be written any more.
    broken: Option<io::Error>,
    /// Whether the end of a record has been read, and nothing since.
    resting: bool,
    /// Whether a server that asked for a certificate has had an answer.
    answered: bool,
}

impl<S> WatchedStream<S> {
    fn new(stream: S, resolver: Arc<ClientCertificate>, hello: Hello) -> Self {
        Self {
            stream,
            unsent: Vec::new(),
            resolver,
            hello,
            broken: None,
            resting: false,
            records: Records::default(),
            answered: false,
        }
    }

    fn certificate_asked(&self) -> bool {
        self.resolver.asked.load(Ordering::Relaxed)
    }

    /// Looks at records of the client: its hello, and whether they are its second flight to a server
    /// that asks for a certificate.
    fn follow(&mut self, bytes: &[u8]) {
        self.hello.follow_client(bytes);
        let Some(&kind) = bytes.first() else {
            return;
        };
        let changes_cipher = kind == CHANGE_CIPHER_SPEC;
        // The compatibility record that TLS 1.3 sends first tells the server nothing.
        self.answered |= self.certificate_asked() && !changes_cipher;
        self.records.client_encrypts |= changes_cipher && !self.hello.has_chosen_tls13();
    }

    /// Sends what the operating system takes of what was written; nobody needs what is for a peer that
    /// is gone.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncWrite + Unpin,
    {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if is_end(&error) => {
                    self.broken = Some(error);
                    self.unsent.clear();
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Notes pieces to be sent, and sends what can be.
    fn write(&mut self, pieces: &[io::IoSlice<'_>], cx: &mut Context<'_>) -> io::Result<usize>
    where
        S: AsyncWrite + Unpin,
    {
        for piece in pieces {
            self.follow(piece);
            if self.broken.is_none() {
                self.unsent.extend_from_slice(piece);
            }
        }
        if let Poll::Ready(result) = self.poll_send(cx) {
            result?;
        }
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    /// Ends the handshake, and tells the server why as far as that is possible at once and in the
    /// clear.
    fn refuse(&mut self, refused: Refused, cx: &mut Context<'_>) -> io::Error
    where
        S: AsyncWrite + Unpin,
    {
        let encrypts = self.records.client_encrypts || self.hello.is_behind_that_of_tls13();
        if let Some(alert) = refused.alert.filter(|_| !encrypts) {
            self.unsent.extend([ALERT, 3, 3, 0, 2, FATAL, alert.into()]);
            let _ = self.poll_send(cx);
        }
        io::Error::other(refused)
    }

    fn explain(&self, error: &io::Error) -> NetError {
        let cause = error.get_ref();
        if let Some(Refused { error, .. }) = cause.and_then(|cause| cause.downcast_ref()) {
            return *error;
        }
        let Some(error) = cause.and_then(|cause| cause.downcast_ref()) else {
            return NetError::from_io(error);
        };
        let progress = HandshakeProgress {
            server_hello: self.records.has_begun(),
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

/// Whether a write fails so because the connection has ended, which a read meets then, too.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut
    )
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Ends the handshake where rustls would let it go on, or say something else.
#[derive(Clone, Copy, Debug)]
struct Refused {
    error: NetError,
    /// What to tell the server, if anything.
    alert: Option<AlertDescription>,
}

impl Refused {
    const fn with_alert(error: NetError, alert: AlertDescription) -> Self {
        Self {
            error,
            alert: Some(alert),
        }
    }

    const fn protocol_error(alert: AlertDescription) -> Self {
        Self::with_alert(NetError::SslProtocolError, alert)
    }
}

impl From<NetError> for Refused {
    fn from(error: NetError) -> Self {
        Self { error, alert: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl error::Error for Refused {}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.records.pass_on(buf) && buf.remaining() > 0 {
            if mem::take(&mut this.resting) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut room = [0; 4096];
            let wanted = this.records.wanted().min(room.len());
            let mut room = ReadBuf::new(room.get_mut(..wanted).unwrap_or_default());
            let result = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut room));
            match (room.filled(), &this.broken) {
                ([], Some(error)) => return Poll::Ready(Err(again(error))),
                ([], None) => return Poll::Ready(result),
                (read, _) => {
                    if let Err(refused) = this.records.take(read, &mut this.hello) {
                        return Poll::Ready(Err(this.refuse(refused, cx)));
                    }
                }
            }
        }
        this.resting = this.records.is_between();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(bufs, cx))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
