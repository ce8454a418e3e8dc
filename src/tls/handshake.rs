//! Turns a connected socket into a TLS stream, as Chromium's `TLSSocketFactory` does.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use once_cell::sync::{Lazy, OnceCell};
use rustls::{
    ClientConfig, SupportedProtocolVersion,
    client::Resumption,
    crypto::CryptoProvider,
    pki_types::ServerName,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::chromium_filter::{ChromiumFilter, ClientCertificate};
use super::policy::hello::Hello;
use crate::net_error::NetError;
use crate::runtime::closing;
use crate::tls::negotiation::Offer;
use crate::tls::settings::TlsSettings;
use crate::tls::trust::{self, TrustStore};
use crate::tls::verifier::{self, ServerVerifier};
use crate::tls::versions::TlsVersion;
use crate::wake::notice::Secured;

/// Secures `stream` and verifies that the server is `host`.
///
/// `host` is a canonical host name or an IP address without brackets. There is no time limit;
/// dropping the future closes the connection. Needs a multi-threaded tokio runtime.
///
/// # Errors
///
/// The code that Chromium passes to the callback of `secure()`.
pub(crate) async fn handshake(
    stream: closing::Stream,
    host: &str,
    offer: Offer,
    context: Option<&TlsContext>,
) -> Result<Secured, NetError> {
    static UNCONFIGURED: TlsContext = TlsContext::new(TlsSettings::none());

    let context = context.unwrap_or(&UNCONFIGURED);
    let trust = trust::process_wide().await?;
    let make = || Client::new(trust, &context.settings);
    let client = context.client.get_or_try_init(make)?;
    client.handshake(stream, host, offer).await
}

/// The TLS settings of an application, and the state that its handshakes share because of them.
pub(crate) struct TlsContext {
    settings: TlsSettings,
    /// Created by the first handshake.
    client: OnceCell<Client>,
}

impl TlsContext {
    pub(crate) const fn new(settings: TlsSettings) -> Self {
        Self {
            settings,
            client: OnceCell::new(),
        }
    }
}

/// State shared by the handshakes with the same settings: the trust anchors, and a configuration
/// for each range of versions.
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
        // Each handshake has its own verifier, for its host.
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
        stream: closing::Stream,
        host: &str,
        offer: impl Into<Offer>,
    ) -> Result<Secured, NetError> {
        let result = self.connect(stream, host, offer).await;
        result.map_err(|(error, _)| error)
    }

    /// The handshake over any stream. A failed handshake returns the stream.
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: &str,
        offer: impl Into<Offer>,
    ) -> Result<Secured<S>, (NetError, S)> {
        let Offer {
            versions,
            protocols,
        } = offer.into();
        if host.is_empty() {
            return Err((NetError::Unexpected, stream));
        }
        if !is_canonical(host) {
            return Err((NetError::Failed, stream));
        }
        // A name that is invalid in DNS can be verified, but `rustls` cannot send it. An address is
        // never sent to the server.
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
        config.alpn_protocols = protocols;
        let tls13 = Arc::default();
        let hello = Hello::new(versions, Arc::clone(&tls13));
        let verifier = ServerVerifier::new(Arc::clone(&self.trust), host.to_owned(), tls13);
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));

        let stream = ChromiumFilter::new(stream, resolver, hello);
        let result = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .into_fallible()
            .await;
        match result {
            Ok(stream) => {
                let (filter, connection) = stream.into_inner();
                Ok(Secured {
                    stream: filter.stream,
                    connection,
                    write_failed: filter.write_error.is_some(),
                })
            }
            Err((error, filter)) => Err((filter.explain(&error), filter.stream)),
        }
    }
}

/// Whether `host` can appear in a URL. A host that could not be canonicalized cannot
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

/// A placeholder for a name that cannot be sent.
static UNNAMED: Lazy<ServerName<'static>> =
    Lazy::new(|| ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into()));

#[cfg(test)]
mod tests;
