//! From the host of a `connect()` call to the addresses to try, by Chromium's rules
//! (`net/dns/host_resolver.cc`, `net/base/url_util.cc`).

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

use crate::net_error::NetError;

/// Which addresses a connection may use: the parameter `dnsQueryType`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AddressFamily {
    /// Both, as when the parameter is left out.
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl AddressFamily {
    const fn allows(self, address: &IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }

    fn filter(self, addresses: impl IntoIterator<Item = IpAddr>) -> Result<Vec<IpAddr>, NetError> {
        let mut known = HashSet::new();
        let allowed: Vec<_> = addresses
            .into_iter()
            .filter(|address| self.allows(address) && known.insert(*address))
            .collect();
        if allowed.is_empty() {
            Err(NetError::NameNotResolved)
        } else {
            Ok(allowed)
        }
    }
}

/// How a host becomes addresses.
#[derive(Debug, PartialEq)]
pub(crate) enum Resolution {
    /// Without asking anyone: a literal, a name for this machine, or a name that cannot exist.
    Known(Result<Vec<IpAddr>, NetError>),
    /// By [`look_up`], which blocks.
    LookUp,
}

/// Decides how `host` is resolved. It is canonical (lower case, punycode, dotted IPv4) unless it
/// cannot be made so.
///
/// Brackets and zone ids are no part of a literal here, as in Chromium.
pub(crate) fn resolve(host: &str, family: AddressFamily) -> Resolution {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Resolution::Known(family.filter([address]));
    }
    if !is_valid_name(host) {
        return Resolution::Known(Err(NetError::NameNotResolved));
    }
    if is_localhost(host) {
        let addresses: [IpAddr; 2] = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        return Resolution::Known(family.filter(addresses));
    }
    Resolution::LookUp
}

/// Asks the operating system's resolver, and waits for its answer.
///
/// # Errors
///
/// [`NetError::NameNotResolved`], whatever went wrong, as Chromium squashes it too.
pub(crate) fn look_up(host: &str, family: AddressFamily) -> Result<Vec<IpAddr>, NetError> {
    let addresses = (host, 0)
        .to_socket_addrs()
        .map_err(|_| NetError::NameNotResolved)?;
    family.filter(addresses.map(|address| address.ip()))
}

/// `localhost` and every name below it are this machine and are never asked for (RFC 6761).
fn is_localhost(host: &str) -> bool {
    last_label(without_root(host)).eq_ignore_ascii_case("localhost")
}

/// Whether a resolver could know the name at all.
fn is_valid_name(host: &str) -> bool {
    const MAX_NAME: usize = 253;
    const MAX_LABEL: usize = 63;
    let name = without_root(host);
    let labels_valid = name.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= MAX_LABEL
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    });
    name.len() <= MAX_NAME
        && labels_valid
        && last_label(name).starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The name without the dot that says it is complete.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn last_label(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The address as Chromium prints it: an IPv4-mapped IPv6 address in hexadecimal.
pub(crate) fn address_text(address: &IpAddr) -> String {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            let [.., high, low] = v6.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(host: &str, family: AddressFamily) -> Result<Vec<String>, NetError> {
        match resolve(host, family) {
            Resolution::Known(result) => {
                result.map(|addresses| addresses.iter().map(address_text).collect())
            }
            Resolution::LookUp => panic!("{host} would be looked up"),
        }
    }

    #[test]
    fn localhost_and_the_names_below_it_are_the_loopback_addresses_ipv6_first() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "foo.localhost",
            "a.b.LocalHost.",
        ] {
            assert_eq!(
                known(host, AddressFamily::Any),
                Ok(vec!["::1".into(), "127.0.0.1".into()])
            );
            assert_eq!(
                known(host, AddressFamily::V4),
                Ok(vec!["127.0.0.1".into()]),
                "{host}"
            );
            assert_eq!(
                known(host, AddressFamily::V6),
                Ok(vec!["::1".into()]),
                "{host}"
            );
        }
    }

    #[test]
    fn a_literal_of_the_other_family_is_not_resolved() {
        assert_eq!(
            known("127.0.0.1", AddressFamily::Any),
            Ok(vec!["127.0.0.1".into()])
        );
        assert_eq!(
            known("127.0.0.1", AddressFamily::V6),
            Err(NetError::NameNotResolved)
        );
        assert_eq!(known("::1", AddressFamily::V6), Ok(vec!["::1".into()]));
        assert_eq!(
            known("::1", AddressFamily::V4),
            Err(NetError::NameNotResolved)
        );
    }

    #[test]
    fn an_invalid_name_is_not_looked_up() {
        let long_label = "a".repeat(64);
        let long_name = "a.".repeat(127) + "a";
        for host in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            " a",
            "a ",
            "exa mple",
            "a/b",
            "a:80",
            "[::1]",
            "fe80::1%eth0",
            "256.1.1.1.-",
            "a.-b",
            "a._b",
            "\u{e4}.de",
            &long_label,
            &long_name,
        ] {
            assert_eq!(
                known(host, AddressFamily::Any),
                Err(NetError::NameNotResolved),
                "{host:?}"
            );
        }
    }

    #[test]
    fn other_names_are_looked_up() {
        let long_name = "a.".repeat(126) + "a";
        for host in [
            "example.com",
            "example.com.",
            "my_host",
            "a-b",
            "notlocalhost",
            &long_name,
        ] {
            assert_eq!(
                resolve(host, AddressFamily::Any),
                Resolution::LookUp,
                "{host:?}"
            );
        }
    }

    #[test]
    fn addresses_are_printed_as_chromium_prints_them() {
        for (address, text) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::ffff:127.0.0.1", "::ffff:7f00:1"),
            ("FE80::1", "fe80::1"),
        ] {
            assert_eq!(address_text(&address.parse().unwrap()), text);
        }
    }
}
