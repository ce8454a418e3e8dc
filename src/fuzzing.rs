//! The code behind the fuzz targets (`fuzz/`): one function for each parser of untrusted input. For
//! every input they check that there is no panic and no endless loop, and that no unsigned data is
//! trusted. Compiled only for tests and fuzzers.

#![allow(
    clippy::missing_panics_doc,
    reason = "a panic is how a target says that something is wrong"
)]

mod no_cryptography;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{env, fs, io, process, str};

use rustls::crypto::aws_lc_rs as aws_lc;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls_native_certs::CertificateResult;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use webpki::{EndEntityCert, anchor_from_trusted_cert};

use crate::net::resolver::{AddressFamily, Resolution, address_text, resolve};
use crate::net_error::NetError;
use crate::tls::framing::{HEADER, RecordFramer};
use crate::tls::handshake::Client;
use crate::tls::settings::TlsSettings;
use crate::tls::trust::{Sources, TrustStore};
use crate::tls::versions::TlsVersionRange;
use crate::tls::{session, verifier};

/// The trusted authority. It has signed a certificate for `localhost` and 127.0.0.1, and one for
/// `a.localhost` and `::1` through an intermediate. The keys are destroyed.
const AUTHORITY: &[u8] = include_bytes!("../fuzz/certificates/authority.der");
const SERVER: &[u8] = include_bytes!("../fuzz/certificates/server.der");
const OTHER_SERVER: &[u8] = include_bytes!("../fuzz/certificates/other-server.der");

/// An RSA key of 2048 bits, encoded as in a certificate.
const RSA_KEY: &[u8] = include_bytes!("../fuzz/certificates/rsa-key.der");

/// A time at which these certificates and those of the corpus are valid.
const NOW: Duration = Duration::from_secs(1_800_000_000);

static TRUST: LazyLock<Arc<TrustStore>> = LazyLock::new(|| Arc::new(trust_in(AUTHORITY)));

fn trust_in(certificate: &[u8]) -> TrustStore {
    TrustStore::load(&Sources::default(), || {
        let mut store = CertificateResult::default();
        store.certs.push(certificate.to_vec().into());
        store
    })
}

/// Whether a certificate has the same content; its signature may be encoded in several ways.
fn is_same(certificate: &CertificateDer<'_>, other: &'static [u8]) -> bool {
    let other = CertificateDer::from(other);
    let signed = verifier::fuzzing::signed_part;
    signed(certificate).is_some() && signed(certificate) == signed(&other)
}

/// Takes the first byte.
fn take(data: &mut &[u8]) -> u8 {
    let Some((&first, rest)) = data.split_first() else {
        return 0;
    };
    *data = rest;
    first
}

/// Takes a slice whose length is encoded in the first two bytes.
fn take_piece<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(u16::from_be_bytes([take(data), take(data)]));
    let (piece, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    piece
}

/// Runs a handshake with a server that sends these bytes and then closes. Null ciphers are used, so
/// that mutated bytes reach the code behind the cryptography; certificate signatures are still
/// checked. The first byte selects the client's configuration.
pub fn handshake(mut data: &[u8]) {
    type Clients = [Client; 2];
    static CLIENTS: LazyLock<Clients> = LazyLock::new(|| {
        let with = |settings| {
            let provider = no_cryptography::provider();
            Client::with_cryptography(provider, &TRUST, settings).unwrap_or_else(|_| unreachable!())
        };
        let settings = TlsSettings {
            identity: Some(no_cryptography::identity()),
            ..TlsSettings::none()
        };
        [with(&TlsSettings::none()), with(&settings)]
    });

    let choice = take(&mut data);
    let [anonymous, identified] = &*CLIENTS;
    let client = if choice & 1 == 0 {
        anonymous
    } else {
        identified
    };
    let versions = match choice >> 1 & 3 {
        0 => TlsVersionRange::parse(Some("tls1.3"), None),
        1 => TlsVersionRange::parse(None, Some("tls1.2")),
        _ => TlsVersionRange::parse(None, None),
    };
    let (host, is_its) = match choice >> 3 & 3 {
        0 => ("127.0.0.1", true),
        1 => ("example.com", false),
        _ => ("localhost", true),
    };

    let server = Server { flight: data };
    let mut handshake = pin!(client.connect(server, host, versions));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(result) = handshake.as_mut().poll(&mut context) else {
        panic!("a handshake waits for a server that has ended");
    };
    if let Ok(secured) = result {
        let presented = secured
            .connection
            .peer_certificates()
            .and_then(<[_]>::first);
        let genuine = presented.is_some_and(|leaf| is_same(leaf, SERVER));
        assert!(is_its && genuine, "a stranger is believed to be {host}");
        let rest = secured.stream.flight;
        let plaintext = session::decrypt(secured, rest);
        assert!(plaintext.len() <= data.len(), "bytes from nowhere");
    }
}

/// A server that has sent its data and ignores all input.
struct Server<'a> {
    flight: &'a [u8],
}

impl AsyncRead for Server<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let count = buffer.remaining().min(this.flight.len());
        let (piece, rest) = this.flight.split_at(count);
        buffer.put_slice(piece);
        this.flight = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Verifies a certificate chain whose last certificate may be a trusted authority.
pub fn certificates(mut data: &[u8]) {
    let choice = take(&mut data);
    let host = match choice & 3 {
        0 => "127.0.0.1",
        1 => "localhost",
        2 => "a.localhost",
        _ => "::1",
    };
    let now = UnixTime::since_unix_epoch(if choice & 4 == 0 { NOW } else { NOW * 3 });
    let leaf = CertificateDer::from(take_piece(&mut data));
    let mut others = Vec::new();
    while !data.is_empty() && others.len() < 20 {
        others.push(CertificateDer::from(take_piece(&mut data)));
    }
    for certificate in others.iter().chain([&leaf]) {
        verifier::fuzzing::look_at(certificate);
    }
    if choice & 8 != 0
        && let Some(anchor) = others.pop()
    {
        let trust = TRUST.with(&[anchor.into_owned()]);
        verifier::fuzzing::accepts(&trust, &leaf, &others, host, now);
    } else if verifier::fuzzing::accepts(&TRUST, &leaf, &others, host, now) {
        let genuine = is_same(&leaf, SERVER) || is_same(&leaf, OTHER_SERVER);
        assert!(genuine, "a stranger is believed");
    }
}

/// Checks a signature, by a known key if the first slice is empty. The bytes also mutate the data
/// that is signed for the message.
pub fn signature(mut data: &[u8]) {
    let key = take_piece(&mut data);
    let signature = take_piece(&mut data);
    verifier::fuzzing::change_encoding(data, signature);
    if key.is_empty() {
        verifier::fuzzing::check_twice(RSA_KEY, data, signature);
    } else {
        verifier::fuzzing::check_signature(key, data, signature);
    }
}

/// Computes modular powers.
pub fn modpow(mut data: &[u8]) {
    let modulus = without_zeros(take_piece(&mut data));
    verifier::fuzzing::check_power(without_zeros(data), modulus);
}

fn without_zeros(mut number: &[u8]) -> &[u8] {
    while let Some((0, rest)) = number.split_first() {
        number = rest;
    }
    number
}

/// Tracks the records of a stream that arrives in slices of all sizes.
pub fn records(mut data: &[u8]) {
    let sizes = take_piece(&mut data);
    let mut expected = Vec::new();
    let mut rest = data;
    while let Some(&[_, _, _, high, low]) = rest.first_chunk::<HEADER>() {
        let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
        let Some((_, others)) = rest.split_at_checked(length) else {
            break;
        };
        rest = others;
        expected.push(length);
    }

    let (mut framer, mut found, mut length) = (RecordFramer::default(), Vec::new(), 0);
    let mut announced = Vec::new();
    let mut sizes = sizes.iter().map(|&size| usize::from(size).max(1)).cycle();
    while !data.is_empty() {
        let size = sizes.next().unwrap_or(usize::MAX).min(data.len());
        let (mut piece, others) = data.split_at(size);
        data = others;
        while !piece.is_empty() {
            let (count, header) = framer.take(piece);
            announced.extend(header.map(|header| HEADER + header.length));
            assert!(count > 0, "nothing of {} bytes is taken", piece.len());
            length += count;
            piece = piece.get(count..).unwrap_or_default();
            if framer.is_between() {
                found.push(length);
                length = 0;
            }
        }
    }
    assert_eq!(found, expected);
    assert_eq!(announced.get(..found.len()), Some(&*found));
    assert_eq!(length, rest.len());
}

/// Reads a file of certificates as named by environment variables.
pub fn trust(data: &[u8]) {
    let memory = fs::exists("/dev/shm").unwrap_or(false);
    let directory = if memory {
        "/dev/shm".into()
    } else {
        env::temp_dir()
    };
    let file = directory.join(format!("fuzzed-{}.pem", process::id()));
    if fs::write(&file, data).is_err() {
        return;
    }
    let store = TrustStore::load(&Sources::extra(file), || {
        let mut store = CertificateResult::default();
        store.certs.push(AUTHORITY.to_vec().into());
        store
    });
    let mut expected = vec![CertificateDer::from(AUTHORITY)];
    for certificate in CertificateDer::pem_slice_iter(data).flatten() {
        if anchor_from_trusted_cert(&certificate).is_ok() && !expected.contains(&certificate) {
            expected.push(certificate);
        }
    }
    let anchors: Vec<_> = expected.iter().map(anchor_from_trusted_cert).collect();
    assert_eq!(store.anchors().len(), anchors.len());
    for (anchor, certificate) in store.authorities() {
        let index = expected.iter().position(|one| Some(one) == certificate);
        let read = index.and_then(|index| anchors.get(index)?.as_ref().ok());
        assert_eq!(read, Some(anchor), "{certificate:?}");
    }
}

/// Parses the input of `configure()`: authorities, a certificate and its key.
pub fn settings(mut data: &[u8]) {
    let mut piece = || take_piece(&mut data).to_vec();
    let authority = CertificateDer::from(piece());
    let is_authority = anchor_from_trusted_cert(&authority).is_ok();
    let chain = vec![CertificateDer::from(piece())];
    let key = piece();
    match TlsSettings::new(vec![authority], chain, Some(key), None) {
        Ok(settings) => {
            let identity = settings.identity.as_deref();
            assert!(identity.is_some_and(is_consistent), "a key of another");
            let trust = TRUST.with(&settings.authorities);
            assert!(settings.authorities.iter().all(|one| trust.contains(one)));
            assert!(is_authority);
        }
        Err(problem) => assert_eq!(problem.option == "ca", !is_authority, "{problem:?}"),
    }
}

/// Whether signatures of the key verify against the certificate.
fn is_consistent(identity: &CertifiedKey) -> bool {
    const MESSAGE: &[u8] = b"signed";
    let algorithms = aws_lc::default_provider().signature_verification_algorithms;
    let mut schemes = algorithms.mapping.iter();
    schemes.any(|(scheme, algorithms)| {
        let Some(signer) = identity.key.choose_scheme(&[*scheme]) else {
            return false;
        };
        let (Ok(signature), [leaf, ..]) = (signer.sign(MESSAGE), &*identity.cert) else {
            return false;
        };
        let Ok(leaf) = EndEntityCert::try_from(leaf) else {
            return false;
        };
        let mut algorithms = algorithms.iter();
        algorithms.any(|&one| leaf.verify_signature(one, MESSAGE, &signature).is_ok())
    })
}

/// Parses a host name from JavaScript and compares the result with a second implementation.
pub fn host(data: &[u8]) {
    let Ok(host) = str::from_utf8(data) else {
        return;
    };
    let mut labels: Vec<_> = host.split('.').collect();
    if let [_, .., ""] = *labels {
        labels.pop();
    }
    let last = labels.last().copied().unwrap_or_default();
    let is_possible = labels.join(".").len() <= 253
        && !last.starts_with(['-', '_'])
        && labels.iter().all(|label| {
            let strange = |letter| !matches!(letter, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_');
            (1..=63).contains(&label.len()) && !label.contains(strange)
        });
    let is_here = last.to_lowercase() == "localhost";
    let known = match host.parse::<IpAddr>() {
        Ok(address) => Some(vec![address]),
        Err(_) if !is_possible => Some(Vec::new()),
        Err(_) if is_here => Some(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]),
        Err(_) => None,
    };
    for address in known.iter().flatten() {
        let text = address_text(address);
        assert_eq!(text.parse(), Ok(*address), "{host:?} is {text}");
    }

    for family in [AddressFamily::Any, AddressFamily::V4, AddressFamily::V6] {
        let allows = |address: &IpAddr| match family {
            AddressFamily::Any => true,
            AddressFamily::V4 => address.is_ipv4(),
            AddressFamily::V6 => address.is_ipv6(),
        };
        let expected = known.as_ref().map_or(Resolution::LookUp, |addresses| {
            let allowed: Vec<_> = addresses.iter().copied().filter(allows).collect();
            let none = NetError::NameNotResolved;
            Resolution::Known(Some(allowed).filter(|all| !all.is_empty()).ok_or(none))
        });
        assert_eq!(resolve(host, family), expected, "{host:?}, {family:?}");
    }
    let _ = ServerName::try_from(host);
    let _ = TlsVersionRange::parse(Some(host), Some(host));
}
