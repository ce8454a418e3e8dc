//! The verdicts on peers that do not speak TLS or violate the protocol.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream as StdTcpStream},
    sync::Arc,
};

use rustls::{
    DistinguishedName, ServerConfig, ServerConnection, SignatureScheme,
    pki_types::UnixTime,
    server::danger::{ClientCertVerified, ClientCertVerifier},
    version::{TLS12, TLS13},
};

use super::*;
use crate::tls::framing::HEADER;

const TLS12_ONLY: TlsVersionRange = TlsVersionRange {
    min: TlsVersion::Tls12,
    max: TlsVersion::Tls12,
};

const TLS13_ONLY: TlsVersionRange = TlsVersionRange {
    min: TlsVersion::Tls13,
    max: TlsVersion::Tls13,
};

const WARNING: u8 = 1;
const FATAL: u8 = 2;

fn alert(level: u8, description: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, level, description]
}

/// How a peer ends a connection.
#[derive(Clone, Copy)]
enum End {
    Close,
    Reset,
}

fn end(mut stream: StdTcpStream, how: End) -> io::Result<()> {
    match how {
        End::Close => {
            stream.shutdown(Shutdown::Write)?;
            // Closing with unread bytes would reset the connection.
            io::copy(&mut stream, &mut io::sink()).map(drop)
        }
        End::Reset => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
    }
}

/// Reads one record, which is the `ClientHello` if it is the first.
fn read_record(stream: &mut StdTcpStream) -> io::Result<Vec<u8>> {
    let mut record = vec![0; HEADER];
    stream.read_exact(&mut record)?;
    let length = u16::from_be_bytes([record[3], record[4]]);
    record.resize(HEADER + usize::from(length), 0);
    stream.read_exact(&mut record[HEADER..])?;
    Ok(record)
}

/// A peer that answers the `ClientHello` with these bytes and ends the connection.
fn peer_that_says(answer: Vec<u8>, how: End) -> SocketAddr {
    listen(move |mut stream| {
        read_record(&mut stream)?;
        stream.write_all(&answer)?;
        end(stream, how)
    })
}

/// A server's answer to this record.
fn first_flight(config: &Arc<ServerConfig>, mut hello: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = ServerConnection::new(Arc::clone(config)).unwrap();
    server.read_tls(&mut hello)?;
    server.process_new_packets().unwrap();
    let mut flight = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut flight)?;
    }
    Ok(flight)
}

/// A server whose first flight is changed before it is sent.
fn server_with_changed_flight(
    config: ServerConfig,
    change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static,
    how: End,
) -> SocketAddr {
    let config = Arc::new(config);
    listen(move |mut stream| {
        let hello = read_record(&mut stream)?;
        let mut flight = first_flight(&config, &hello)?;
        change(&mut flight);
        stream.write_all(&flight)?;
        end(stream, how)
    })
}

fn code(address: SocketAddr) -> i32 {
    static CLIENT: Lazy<Arc<Client>> = Lazy::new(|| client_trusting(&[]));
    handshake_code(&CLIENT, address, "localhost", ANY_VERSION)
}

/// A client, and servers that it trusts, for one version.
struct TrustedServer {
    client: Arc<Client>,
    config: ServerConfig,
}

impl TrustedServer {
    fn new(versions: &[&'static SupportedProtocolVersion]) -> Self {
        Self::with_client_auth(versions, None)
    }

    fn with_client_auth(
        versions: &[&'static SupportedProtocolVersion],
        policy: Option<AskForCertificate>,
    ) -> Self {
        let presented = WORLD.good();
        let mut config = server_config(presented.chain, &presented.key);
        let builder = ServerConfig::builder_with_provider(Arc::clone(config.crypto_provider()))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match policy {
            Some(policy) => builder.with_client_cert_verifier(Arc::new(policy)),
            None => builder.with_no_client_auth(),
        };
        config = builder.with_cert_resolver(config.cert_resolver);
        Self {
            client: client_trusting(&WORLD.trusted),
            config,
        }
    }

    fn code(&self, address: SocketAddr) -> i32 {
        handshake_code(&self.client, address, "localhost", ANY_VERSION)
    }
}

/// A server's request for a client certificate, optional or required.
#[derive(Clone, Copy, Debug)]
struct AskForCertificate {
    mandatory: bool,
}

impl ClientCertVerifier for AskForCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        unreachable!("no client certificate is ever sent")
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        unreachable!("no client certificate is ever sent")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        unreachable!("no client certificate is ever sent")
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

#[test]
fn an_alert_instead_of_a_server_hello_has_its_own_code() {
    for description in 0..=u8::MAX {
        let expected = match description {
            40 | 70 | 71 => -113,
            42..=46 | 48 | 116 => -117,
            20 => -126,
            30 => -125,
            51 => -153,
            112 => -159,
            _ => -107,
        };
        let address = peer_that_says(alert(FATAL, description), End::Close);
        assert_eq!(code(address), expected, "alert {description}");
    }
}

#[test]
fn an_alert_before_a_reset_decides_the_code() {
    for (description, expected) in [(40, -113), (70, -113), (42, -117), (80, -107)] {
        let address = listen(move |mut stream| {
            read_record(&mut stream)?;
            stream.write_all(&alert(FATAL, description))?;
            // The client answers nothing; it closes when it has read the alert.
            let _ = stream.read(&mut [0]);
            end(stream, End::Reset)
        });
        assert_eq!(code(address), expected, "alert {description}");
    }
}

#[test]
fn an_end_and_a_reset_differ_at_every_point() {
    let server = TrustedServer::new(&[&TLS12, &TLS13]);
    for (how, expected) in [(End::Close, -100), (End::Reset, -101)] {
        let at_once = listen(move |mut stream| {
            read_record(&mut stream)?;
            end(stream, how)
        });
        assert_eq!(server.code(at_once), expected, "after the client hello");
        for length in [1, 4, 5, 6, 40, 100, 127, 130, 200, 400, 700] {
            let cut = move |flight: &mut Vec<u8>| flight.truncate(length);
            let address = server_with_changed_flight(server.config.clone(), cut, how);
            assert_eq!(server.code(address), expected, "after {length} bytes");
        }
    }
}

#[test]
fn bytes_that_are_not_tls_are_a_protocol_error() {
    let table: [(&str, &[u8]); 14] = [
        (
            "HTTP",
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        ),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n"),
        ("SMTP", b"220 mail.test ESMTP ready\r\n"),
        ("IMAP", b"* OK IMAP4rev1 ready\r\n"),
        ("zeros", &[0; 64]),
        ("ones", &[0xff; 64]),
        (
            "SSL 2",
            &[0x80, 0x2e, 4, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("application data", &[23, 3, 3, 0, 5, 1, 2, 3, 4, 5]),
        ("a change of cipher for TLS 1.2", &[20, 3, 3, 0, 2, 1, 1]),
        ("a heartbeat", &[24, 3, 3, 0, 3, 1, 0, 0]),
        (
            "a record of 65,535 bytes",
            &[22, 3, 3, 0xff, 0xff, 2, 0, 0, 0],
        ),
        ("an unknown message", &[22, 3, 3, 0, 4, 99, 0, 0, 0]),
        ("a finished message", &[22, 3, 3, 0, 4, 20, 0, 0, 0]),
        ("an alert that is too long", &[21, 3, 3, 0, 3, 2, 40, 0]),
    ];
    for (what, answer) in table {
        let address = peer_that_says(answer.to_vec(), End::Close);
        assert_eq!(code(address), -107, "{what}");
    }
    let echo = listen(|mut stream| {
        let hello = read_record(&mut stream)?;
        stream.write_all(&hello)?;
        end(stream, End::Close)
    });
    assert_eq!(code(echo), -107, "the client hello itself");
}

#[test]
fn a_warning_is_skipped() {
    let say = |records: &[Vec<u8>]| code(peer_that_says(records.concat(), End::Close));
    assert_eq!(say(&[alert(WARNING, 112)]), -100);
    assert_eq!(say(&[alert(WARNING, 112), alert(FATAL, 40)]), -113);
    assert_eq!(say(&[alert(WARNING, 112), alert(FATAL, 70)]), -113);

    let server = TrustedServer::new(&[&TLS12]);
    let warn_first = |flight: &mut Vec<u8>| {
        flight.splice(0..0, alert(WARNING, 112));
        flight.extend(alert(FATAL, 40));
    };
    let address = server_with_changed_flight(server.config.clone(), warn_first, End::Close);
    assert_eq!(server.code(address), -107);
}

#[test]
fn a_close_notify_instead_of_a_server_hello_is_a_protocol_error() {
    for records in [
        alert(WARNING, 0),
        [alert(WARNING, 112), alert(WARNING, 0)].concat(),
    ] {
        assert_eq!(code(peer_that_says(records, End::Close)), -107);
    }
}

#[test]
fn alerts_after_the_server_hello_have_other_codes() {
    let server = TrustedServer::new(&[&TLS12]);
    for (description, expected) in [
        (40, -107),
        (49, -107),
        (42, -117),
        (116, -117),
        (20, -126),
        (51, -153),
        (70, -113),
        (80, -107),
    ] {
        let append = move |flight: &mut Vec<u8>| flight.extend(alert(FATAL, description));
        let address = server_with_changed_flight(server.config.clone(), append, End::Close);
        assert_eq!(server.code(address), expected, "alert {description}");
    }
}

#[test]
fn optional_client_authentication_succeeds_without_a_certificate() {
    for version in [&TLS12, &TLS13] {
        let policy = Some(AskForCertificate { mandatory: false });
        let server = TrustedServer::with_client_auth(&[version], policy);
        let address = serve_tls(server.config.clone());
        assert_eq!(server.code(address), 0, "{version:?}");
    }
}

#[test]
fn a_required_client_certificate_fails_the_handshake_in_tls_1_2_only() {
    for (version, expected) in [(&TLS12, -110), (&TLS13, 0)] {
        let policy = Some(AskForCertificate { mandatory: true });
        let server = TrustedServer::with_client_auth(&[version], policy);
        let address = serve_tls(server.config.clone());
        assert_eq!(server.code(address), expected, "{version:?}");
    }
}

#[test]
fn a_bad_certificate_fails_before_a_request_for_a_client_certificate() {
    for version in [&TLS12, &TLS13] {
        let policy = Some(AskForCertificate { mandatory: true });
        let server = TrustedServer::with_client_auth(&[version], policy);
        let stranger = client_trusting(&[]);
        let address = serve_tls(server.config);
        let code = handshake_code(&stranger, address, "localhost", ANY_VERSION);
        assert_eq!(code, -202, "{version:?}");
    }
}

#[test]
fn a_server_that_ends_after_a_certificate_request_refuses_the_client() {
    let policy = Some(AskForCertificate { mandatory: true });
    let server = TrustedServer::with_client_auth(&[&TLS12], policy);
    for (description, expected) in [(40, -117), (49, -117), (80, -107)] {
        let cut_off = move |flight: &mut Vec<u8>| {
            // The last message of the flight is ServerHelloDone, in a record of its own or not.
            let done = [14, 0, 0, 0];
            assert!(flight.ends_with(&done));
            flight.truncate(flight.len() - done.len());
            shorten_last_record(flight, done.len());
            flight.extend(alert(FATAL, description));
        };
        let address = server_with_changed_flight(server.config.clone(), cut_off, End::Close);
        assert_eq!(server.code(address), expected, "alert {description}");
    }
}

/// Corrects the length in the header of the last record, whose last bytes were cut off.
fn shorten_last_record(flight: &mut Vec<u8>, by: usize) {
    let mut start = 0;
    loop {
        let length = usize::from(u16::from_be_bytes([flight[start + 3], flight[start + 4]]));
        if start + HEADER + length >= flight.len() + by {
            let length = u16::try_from(length - by).unwrap();
            flight[start + 3..start + 5].copy_from_slice(&length.to_be_bytes());
            if length == 0 {
                flight.truncate(start);
            }
            return;
        }
        start += HEADER + length;
    }
}

#[test]
fn a_downgrade_is_detected() {
    let server = TrustedServer::new(&[&TLS12]);
    // The last bytes of the server random by which a TLS 1.3 server signals a downgrade.
    for sentinel in [b"DOWNGRD\x01", b"DOWNGRD\x00"] {
        let downgrade = |flight: &mut Vec<u8>| flight[35..43].copy_from_slice(sentinel);
        let address = server_with_changed_flight(server.config.clone(), downgrade, End::Close);
        assert_eq!(server.code(address), -180);
    }
}

#[test]
fn a_server_of_an_older_version_is_refused() {
    let server = TrustedServer::new(&[&TLS12]);
    for minor in [0, 1, 2] {
        let age = move |flight: &mut Vec<u8>| flight[10] = minor;
        let address = server_with_changed_flight(server.config.clone(), age, End::Close);
        assert_eq!(server.code(address), -113, "TLS 1.{minor} minus 1");
    }
}

#[test]
fn a_refused_hello_is_answered_with_an_alert() {
    let server = TrustedServer::new(&[&TLS12]);
    let config = Arc::new(server.config.clone());
    for (place, changed, expected) in [(10, 2, 70), (42, 1, 47)] {
        let (sender, alerts) = mpsc::channel();
        let config = Arc::clone(&config);
        let address = listen(move |mut stream| {
            let hello = read_record(&mut stream)?;
            let mut flight = first_flight(&config, &hello)?;
            // The end of a server random that signals a downgrade.
            flight[35..43].copy_from_slice(b"DOWNGRD\x02");
            flight[place] = changed;
            stream.write_all(&flight)?;
            sender.send(read_record(&mut stream)?).unwrap();
            Ok(())
        });
        assert_ne!(server.code(address), 0);
        let told = alerts.recv_timeout(DEADLINE);
        assert_eq!(told, Ok(alert(FATAL, expected)), "byte {place}");
    }
}

#[test]
fn a_changed_flight_is_refused() {
    let server = TrustedServer::new(&[&TLS12, &TLS13]);
    let last = |flight: &mut Vec<u8>| *flight.last_mut().unwrap() ^= 1;
    let address = server_with_changed_flight(server.config.clone(), last, End::Close);
    assert_eq!(server.code(address), -107);
}

#[test]
fn client_and_server_need_a_common_version() {
    let table: [(&[&'static SupportedProtocolVersion], TlsVersionRange, i32); 9] = [
        (&[&TLS12], ANY_VERSION, 0),
        (&[&TLS13], ANY_VERSION, 0),
        (&[&TLS12, &TLS13], ANY_VERSION, 0),
        (&[&TLS12], TLS12_ONLY, 0),
        (&[&TLS13], TLS13_ONLY, 0),
        (&[&TLS12, &TLS13], TLS12_ONLY, 0),
        (&[&TLS12, &TLS13], TLS13_ONLY, 0),
        (&[&TLS12], TLS13_ONLY, -113),
        (&[&TLS13], TLS12_ONLY, -113),
    ];
    for (offered, wanted, expected) in table {
        let TrustedServer { client, config } = TrustedServer::new(offered);
        let code = handshake_code(&client, serve_tls(config), "localhost", wanted);
        assert_eq!(code, expected, "{offered:?} {wanted:?}");
    }
}
