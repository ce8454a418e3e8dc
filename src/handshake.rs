//! From a connected socket to a TLS stream, as Chromium's `TLSSocketFactory` does it.

mod hello;

use std::{
    future::poll_fn,
    io,
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

use self::hello::Hello;
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
        let verifier = Arc::new(ServerVerifier::new(Arc::clone(&trust), String::new()));
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
        let verifier = ServerVerifier::new(Arc::clone(&self.trust), host.to_owned());
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));

        let connection = match ClientConnection::new(Arc::new(config), name) {
            Ok(connection) => connection,
            Err(error) => {
                let error = NetError::from_rustls(&error, HandshakeProgress::default());
                return Err((error, stream));
            }
        };
        let hello = Hello::new(versions.max == TlsVersion::Tls13);
        let mut negotiation = Negotiation::new(stream, connection, resolver, hello);
        match poll_fn(|cx| negotiation.poll(cx)).await {
            Ok(()) => Ok(Secured {
                stream: negotiation.stream,
                connection: negotiation.connection,
                broken: negotiation.broken.is_some(),
            }),
            Err(failure) => Err((negotiation.explain(&failure), negotiation.stream)),
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

/// Why a handshake has failed.
enum Failure {
    Io(io::Error),
    Tls(rustls::Error),
    /// rustls would let it go on.
    Refused(NetError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A handshake that is under way.
///
/// It ends with the handshake: what the server says next stays with the kernel, and so does that it
/// has gone since. No read passes the end of a record. It keeps an eye on what passes, because rustls
/// does not tell how far a failed handshake had come, and forgives what Chromium does not.
struct Negotiation<S> {
    stream: S,
    connection: ClientConnection,
    resolver: Arc<ClientCertificate>,
    records: RecordEnds,
    opening: Opening,
    hello: Hello,
    /// Encrypted, and not written yet.
    unsent: Vec<u8>,
    /// Why nothing can be written any more.
    broken: Option<io::Error>,
    /// Whether a server that asked for a certificate has had an answer.
    answered: bool,
}

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

impl<S: AsyncRead + AsyncWrite + Unpin> Negotiation<S> {
    fn new(
        stream: S,
        connection: ClientConnection,
        resolver: Arc<ClientCertificate>,
        hello: Hello,
    ) -> Self {
        Self {
            stream,
            connection,
            resolver,
            records: RecordEnds::default(),
            opening: Opening::Silence,
            hello,
            unsent: Vec::new(),
            broken: None,
            answered: false,
        }
    }

    /// Goes on until the handshake is done.
    ///
    /// A server that has gone may have said all that is needed, and more: what there is, is read
    /// before a write that has failed counts.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            let written = self.poll_write(cx);
            if !self.connection.is_handshaking() {
                return written.map(Ok);
            }
            match (self.poll_read(cx), &mut self.broken) {
                (Poll::Ready(Ok(())), _) => {}
                (Poll::Ready(Err(Failure::Io(_))) | Poll::Pending, broken @ Some(_)) => {
                    let error = broken
                        .take()
                        .unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
                    return Poll::Ready(Err(error.into()));
                }
                (other, _) => return other,
            }
        }
    }

    /// Writes what TLS has to say, as far as that is possible.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.connection.wants_write() {
            let said = self.unsent.len();
            // Memory takes everything.
            let _ = self.connection.write_tls(&mut self.unsent);
            let flight = self.unsent.get(said..).unwrap_or_default();
            self.hello.follow_client(flight);
            // The compatibility record that TLS 1.3 sends first tells the server nothing.
            self.answered |= self.resolver.asked.load(Ordering::Relaxed)
                && flight
                    .first()
                    .is_some_and(|&kind| kind != CHANGE_CIPHER_SPEC);
        }
        while self.broken.is_none() && !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent)) {
                Ok(0) => self.broken = Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) => self.broken = Some(error),
            }
        }
        Poll::Ready(())
    }

    /// Reads a record or a part of one.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let mut room = [0; 4096];
        let wanted = self.records.wanted().min(room.len());
        let mut room = ReadBuf::new(room.get_mut(..wanted).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        let read = room.filled();
        if read.is_empty() {
            return Poll::Ready(Err(Failure::Io(io::ErrorKind::UnexpectedEof.into())));
        }
        self.watch(read).map_err(Failure::Refused)?;
        Poll::Ready(self.process(read).inspect_err(|_| {
            // An alert that says why, if it can be said at once.
            let _ = self.poll_write(cx);
        }))
    }

    /// Looks at bytes of the server before rustls does.
    fn watch(&mut self, read: &[u8]) -> Result<(), NetError> {
        if let RecordEnds::Body {
            kind: HANDSHAKE, ..
        } = self.records
        {
            self.hello.follow_server(read)?;
        }
        let passed = self.records.advance(read);
        if let Opening::Silence = self.opening {
            self.opening = match (passed, read.last()) {
                (Passed::Header(HANDSHAKE), _) => Opening::Handshake,
                // The last byte of an alert is its description.
                (Passed::Record(ALERT), Some(&CLOSE_NOTIFY)) => Opening::CloseNotify,
                _ => Opening::Silence,
            };
        }
        match self.opening {
            Opening::CloseNotify => Err(NetError::SslProtocolError),
            Opening::Silence | Opening::Handshake => Ok(()),
        }
    }

    fn process(&mut self, mut read: &[u8]) -> Result<(), Failure> {
        while !read.is_empty() {
            if self.connection.read_tls(&mut read)? == 0 {
                return Err(Failure::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        match self.connection.process_new_packets() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Tls(error)),
        }
    }

    fn explain(&self, failure: &Failure) -> NetError {
        let error = match failure {
            Failure::Io(error) => return NetError::from_io(error),
            Failure::Refused(error) => return *error,
            Failure::Tls(error) => error,
        };
        let progress = HandshakeProgress {
            server_hello: matches!(self.opening, Opening::Handshake),
            client_certificate_requested: self.resolver.asked.load(Ordering::Relaxed),
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

#[cfg(test)]
mod tests;
