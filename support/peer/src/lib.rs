//! The TLS settings of both programs, which are the same on both ends for every column of the
//! benchmark.

use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The servers listen on 127.0.0.1 to this.
pub const MAX_ADDRESSES: u8 = 4;

/// One cipher suite and one group that all sides have: otherwise different sides would do different
/// work, because the client's preferences decide.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    })
}

/// A server with the certificate chain and the key of two PEM files. No session is ever resumed:
/// Chromium's `secure()` has no resumption.
///
/// # Errors
///
/// Where the files cannot be read or do not fit each other.
pub fn server_config(chain: &str, key: &str) -> io::Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(chain)
        .map_err(io::Error::other)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// A client that trusts the authority of a PEM file.
///
/// # Errors
///
/// Where the file cannot be read.
pub fn client_config(authority: &str) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).map_err(io::Error::other)?)
        .map_err(io::Error::other)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The most bytes that one system call reads.
const BULK: usize = 256 * 1024;

/// The header of a TLS record, which ends with the length in two bytes.
const HEADER: usize = 5;

/// Reads much at once and hands it on record by record: rustls moves what stands behind a record
/// each time it has taken one.
#[derive(Default)]
pub struct Records {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Records {
    /// The next record, or what there is of it at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of `stream`, among them `WouldBlock`.
    pub fn next(&mut self, stream: &mut impl io::Read) -> io::Result<&[u8]> {
        loop {
            let held = &self.buffer[self.start..self.end];
            let length = match held {
                [_, _, _, high, low, ..] => {
                    HEADER + usize::from(u16::from_be_bytes([*high, *low]))
                }
                _ => HEADER,
            };
            if held.len() >= length && held.len() > HEADER {
                let start = self.start;
                self.start += length;
                return Ok(&self.buffer[start..start + length]);
            }
            self.buffer.resize(BULK, 0);
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            let count = stream.read(&mut self.buffer[self.end..])?;
            self.end += count;
            if count == 0 {
                let end = std::mem::take(&mut self.end);
                return Ok(&self.buffer[..end]);
            }
        }
    }
}
