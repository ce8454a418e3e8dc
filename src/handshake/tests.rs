//! Handshakes over loopback, with servers that are right, wrong or hostile.

mod certificates;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream as StdTcpStream},
    sync::{Arc, mpsc},
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
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::trust::Sources;

/// How long any of the tests may wait for anything.
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

/// A client that trusts these authorities and nobody else.
pub(super) fn client_trusting(certificates: &[CertificateDer<'static>]) -> Arc<Client> {
    let mut store = CertificateResult::default();
    store.certs = certificates.to_vec();
    let trust = TrustStore::load(&Sources::default(), || store);
    Arc::new(Client::new(&Arc::new(trust)).unwrap())
}

/// Starts a handshake in the background; its result arrives in the channel.
pub(super) fn start_handshake(
    client: &Arc<Client>,
    address: SocketAddr,
    host: &'static str,
    versions: TlsVersionRange,
) -> mpsc::Receiver<Result<TlsStream, NetError>> {
    let client = Arc::clone(client);
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
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
            // How the client takes it is what the tests look at, not how the server fares.
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

/// A server configuration that presents this chain, right or wrong.
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
