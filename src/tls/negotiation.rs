//! The client's offer in a TLS handshake, and the result of the handshake.

use napi::bindgen_prelude::Buffer;
use rustls::ClientConnection;

use crate::tls::versions::TlsVersionRange;

/// The client's offer.
pub(crate) struct Offer {
    pub(crate) versions: TlsVersionRange,
    /// The application protocols (ALPN) in the order of preference. Chromium offers none for
    /// `secure()`.
    pub(crate) protocols: Vec<Vec<u8>>,
}

impl From<TlsVersionRange> for Offer {
    fn from(versions: TlsVersionRange) -> Self {
        Self {
            versions,
            protocols: Vec::new(),
        }
    }
}

/// The negotiation of a socket whose application asks for its result.
pub(crate) enum Negotiation {
    /// The protocols that the next handshake offers.
    Offering(Vec<Vec<u8>>),
    /// The result of the handshake.
    Agreed(TlsSession),
}

/// The result of a handshake.
#[napi_derive::napi(object, object_from_js = false)]
pub struct TlsSession {
    /// The application protocol that the server has chosen.
    pub protocol: Option<Buffer>,
    /// The version of TLS in OpenSSL's notation: `TLSv1.2`, `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite in the notation of IANA.
    pub cipher: String,
    /// The server's certificates in DER, its own first.
    pub certificates: Vec<Buffer>,
}

impl TlsSession {
    /// Describes a connection whose handshake has succeeded.
    pub(crate) fn of(connection: &ClientConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLSv1.2",
        };
        let cipher = connection
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or_default()
            .replace("TLS13_", "TLS_");
        let certificates = connection.peer_certificates().unwrap_or_default();
        Self {
            protocol: connection.alpn_protocol().map(Buffer::from),
            version,
            cipher,
            certificates: certificates.iter().map(|der| der.to_vec().into()).collect(),
        }
    }
}
