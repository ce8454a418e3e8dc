//! The OCSP response that a server staples to its handshake (RFC 6960).
//!
//! Its signature is not verified: a server that presents the revocation of its own certificate is
//! believed. Responses with any other status have no effect.

use super::{
    certificate::Certificate,
    der::{Reader, tag},
};

const ENUMERATED: u8 = 0x0a;
const VERSION: u8 = tag::explicit(0);
const REVOKED: u8 = tag::explicit(1);

/// Whether `response` says that the certificate is revoked.
pub(super) fn says_revoked(response: &[u8], certificate: &Certificate<'_>) -> bool {
    answers(response).is_some_and(|mut answers| {
        std::iter::from_fn(|| answers.enter(tag::SEQUENCE))
            .any(|answer| is_revocation_of(answer, certificate).is_some_and(|revoked| revoked))
    })
}

/// The single responses of an `OCSPResponse`.
fn answers(response: &[u8]) -> Option<Reader<'_>> {
    let mut response = Reader(response).enter_only(tag::SEQUENCE)?;
    let _status = response.expect(ENUMERATED)?;
    let mut bytes = response
        .enter_only(tag::explicit(0))?
        .enter_only(tag::SEQUENCE)?;
    let _kind = bytes.expect(tag::OBJECT_IDENTIFIER)?;
    let mut basic = bytes
        .enter_only(tag::OCTET_STRING)?
        .enter_only(tag::SEQUENCE)?;
    let mut data = basic.enter(tag::SEQUENCE)?;
    let _version = data.expect(VERSION);
    let _responder = data.next()?;
    let _produced_at = data.expect(tag::GENERALIZED_TIME)?;
    data.enter(tag::SEQUENCE)
}

fn is_revocation_of(mut answer: Reader<'_>, certificate: &Certificate<'_>) -> Option<bool> {
    let mut id = answer.enter(tag::SEQUENCE)?;
    let _hash = id.expect(tag::SEQUENCE)?;
    let _issuer_name = id.expect(tag::OCTET_STRING)?;
    let _issuer_key = id.expect(tag::OCTET_STRING)?;
    let serial_number = id.content(tag::INTEGER)?;
    let status = answer.next()?;
    Some(serial_number == certificate.serial_number && status.tag == REVOKED)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SerialNumber};
    use rustls::pki_types::CertificateDer;

    use super::*;

    fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 0x80);
        [&[tag, length], &content[..]].concat()
    }

    /// A response about one certificate. Only the fields that are read are meaningful.
    fn response(serial_number: &[u8], status: &[u8]) -> Vec<u8> {
        let (sequence, octets) = (tag::SEQUENCE, tag::OCTET_STRING);
        let serial_number = value(tag::INTEGER, &[serial_number]);
        let (hash, digest) = (value(sequence, &[]), value(octets, &[&[7; 8]]));
        let id = value(sequence, &[&hash, &digest, &digest, &serial_number]);
        let time = value(tag::GENERALIZED_TIME, &[b"20300101000000Z"]);
        let answers = value(sequence, &[&value(sequence, &[&id, status, &time])]);
        let responder = value(tag::explicit(2), &[&digest]);
        let data = value(sequence, &[&responder, &time, &answers]);
        let bytes = value(octets, &[&value(sequence, &[&data])]);
        let kind = value(tag::OBJECT_IDENTIFIER, &[&[0x2a]]);
        let whole = value(tag::explicit(0), &[&value(sequence, &[&kind, &bytes])]);
        value(sequence, &[&value(ENUMERATED, &[&[0]]), &whole])
    }

    #[test]
    fn only_an_answer_about_a_certificate_revokes_it() {
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&[1, 2, 3]));
        let key = KeyPair::generate().unwrap();
        let der: CertificateDer<'_> = params.self_signed(&key).unwrap().into();
        let certificate = Certificate::parse(&der).unwrap();
        let revoked = [REVOKED, 0];
        assert!(says_revoked(&response(&[1, 2, 3], &revoked), &certificate));
        assert!(!says_revoked(&response(&[1, 2, 4], &revoked), &certificate));
        assert!(!says_revoked(
            &response(&[1, 2, 3], &[0x80, 0]),
            &certificate
        ));
        assert!(!says_revoked(b"", &certificate));
        let whole = response(&[1, 2, 3], &revoked);
        for length in 0..whole.len() {
            assert!(!says_revoked(&whole[..length], &certificate), "{length}");
        }
    }
}
