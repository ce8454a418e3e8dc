//! A listening socket of the operating system: binding it, and accepting from it
//! (`net/socket/tcp_server_socket.cc`).

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket};

use crate::net::attempt::{leave_descriptors, nonblocking_socket, set_default_options};

/// The longest queue that the system allows.
pub(crate) const DEFAULT_BACKLOG: i32 = i32::MAX;

/// Listens on `address`. Returns the socket and the address that it has got.
///
/// # Errors
///
/// Those of `bind` and `listen`; `InvalidInput` for a backlog of zero, which Chromium refuses.
pub(crate) fn listen(
    address: SocketAddr,
    backlog: i32,
    sparing: bool,
) -> io::Result<(Socket, SocketAddr)> {
    if backlog == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let socket = nonblocking_socket(Domain::for_address(address))?;
    if sparing {
        leave_descriptors(&socket)?;
    }
    // On Windows the option would let another process take the port over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    set_default_options(&socket);
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    let local = socket.local_addr()?.as_socket();
    Ok((socket, local.ok_or(io::ErrorKind::Unsupported)?))
}

/// Accepts a connection. It has inherited the options of `listener`.
///
/// # Errors
///
/// Those of `accept`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SocketAddr)> {
    use rustix::net::{SocketFlags, acceptfrom_with};

    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (socket, peer) = acceptfrom_with(listener, flags)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((socket.into(), peer.ok_or(io::ErrorKind::ConnectionAborted)?))
}

/// Accepts a connection.
///
/// # Errors
///
/// Those of `accept`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SocketAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    set_default_options(&socket);
    let peer = peer.as_socket();
    Ok((socket, peer.ok_or(io::ErrorKind::ConnectionAborted)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_accepted_connection_has_the_options_of_a_client() {
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let (listener, address) = listen(address, DEFAULT_BACKLOG, false).unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let (socket, _) = accept(&listener).unwrap();
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(
            socket.tcp_keepalive_time().unwrap(),
            Duration::from_secs(45)
        );
        assert!(socket.nonblocking().unwrap());
    }

    #[test]
    fn a_port_is_free_as_soon_as_its_listener_is_gone() {
        let (listener, address) =
            listen((Ipv4Addr::LOCALHOST, 0).into(), DEFAULT_BACKLOG, false).unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let _accepted = accept(&listener).unwrap();
        let error = listen(address, DEFAULT_BACKLOG, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert_eq!(listen(address, DEFAULT_BACKLOG, false).unwrap().1, address);
    }
}
