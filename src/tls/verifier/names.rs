//! Matches a certificate against a host (`X509Certificate::VerifyHostname`).

use std::net::IpAddr;

use super::certificate::Certificate;
use super::der::tag;
use super::oid;

const DNS: u8 = tag::implicit(2);
const ADDRESS: u8 = tag::implicit(7);

/// Whether one of the certificate's alternative names matches `host`, a canonical host name or an
/// IP address without brackets.
pub(super) fn is_for(certificate: &Certificate<'_>, host: &str) -> bool {
    let names = certificate
        .extension(oid::ALTERNATIVE_NAMES)
        .and_then(|list| list.enter_only(tag::SEQUENCE));
    let Some(mut names) = names else {
        return false;
    };
    let mut names = std::iter::from_fn(|| names.next());
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            names.any(|name| name.tag == ADDRESS && name.content == address.octets())
        }
        Ok(IpAddr::V6(address)) => {
            names.any(|name| name.tag == ADDRESS && name.content == address.octets())
        }
        Err(_) => {
            let host = without_root(host.as_bytes());
            names.any(|name| name.tag == DNS && matches(without_root(name.content), host))
        }
    }
}

/// The name without its trailing dot.
fn without_root(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

fn matches(name: &[u8], host: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    let Some(below) = name.strip_prefix(b"*") else {
        return name.eq_ignore_ascii_case(host);
    };
    let dot = host.iter().position(|&byte| byte == b'.');
    let Some((label, domain)) = dot.and_then(|dot| host.split_at_checked(dot)) else {
        return false;
    };
    !label.is_empty()
        && below.eq_ignore_ascii_case(domain)
        && may_have_wildcards(domain.strip_prefix(b".").unwrap_or(domain))
}

/// Whether a wildcard may stand directly below `domain`. It may not below a public suffix.
fn may_have_wildcards(domain: &[u8]) -> bool {
    let domain = domain.to_ascii_lowercase();
    domain.contains(&b'.')
        && psl::suffix(&domain).is_none_or(|suffix| {
            suffix.as_bytes() != domain || suffix.typ() != Some(psl::Type::Icann)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_chromium_matches_them() {
        let table: [(&[u8], &str, bool); 22] = [
            (b"www.example.com", "www.example.com", true),
            (b"WWW.example.com", "www.example.com", true),
            (b"www.example.com.", "www.example.com", true),
            (b"www.example.com", "www.example.com.", true),
            (b"www.example.com..", "www.example.com", false),
            (b"example.com", "www.example.com", false),
            (b"", "", false),
            (b"*.example.com", "www.example.com", true),
            (b"*.example.com.", "www.example.com", true),
            (b"*.example.com", "example.com", false),
            (b"*.example.com", "a.www.example.com", false),
            (b"*.example.com", ".example.com", false),
            (b"w*.example.com", "www.example.com", false),
            (b"*www.example.com", "www.example.com", false),
            (b"*", "localhost", false),
            (b"*.com", "example.com", false),
            (b"*.localhost", "a.localhost", false),
            (b"*.co.uk", "example.co.uk", false),
            (b"*.example.co.uk", "www.example.co.uk", true),
            (b"*.example.ck", "www.example.ck", false),
            (b"*.www.ck", "a.www.ck", true),
            (b"*.github.io", "example.github.io", true),
        ];
        for (name, host, expected) in table {
            let matched = matches(without_root(name), without_root(host.as_bytes()));
            assert_eq!(matched, expected, "{} for {host}", name.escape_ascii());
        }
    }
}
