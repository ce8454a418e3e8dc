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
    claim_address(&socket)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    set_default_options(&socket);
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    let local = socket.local_addr()?.as_socket();
    Ok((socket, local.ok_or(io::ErrorKind::Unsupported)?))
}

/// Lets the socket take over an address whose last connections are still being closed.
#[cfg(unix)]
fn claim_address(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Keeps other sockets from taking over the address with `SO_REUSEADDR`
/// (`TCPSocketWin::SetExclusiveAddrUse`). Windows needs no option for an address whose last
/// connections are still being closed.
#[cfg(windows)]
fn claim_address(socket: &Socket) -> io::Result<()> {
    use std::os::windows::io::AsRawSocket;

    use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOL_SOCKET, setsockopt};

    let handle = usize::try_from(socket.as_raw_socket()).unwrap_or(usize::MAX);
    let on = 1_i32.to_ne_bytes();
    #[expect(unsafe_code, reason = "no crate has a safe function for the option")]
    // SAFETY: the socket is open, and the system reads the four bytes of `on` during the call.
    let result = unsafe { setsockopt(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, on.as_ptr(), 4) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
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

#[cfg(all(test, windows))]
mod tests {
    use std::net::Ipv4Addr;

    use std::os::windows::io::AsRawSocket;

    use socket2::{Protocol, Type};
    use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOL_SOCKET, getsockopt};

    use super::*;

    #[test]
    fn no_other_socket_takes_the_address_over() {
        let (listener, address) =
            listen((Ipv4Addr::LOCALHOST, 0).into(), DEFAULT_BACKLOG, false).unwrap();
        // Wine refuses the other socket in any case.
        let handle = listener.as_raw_socket().try_into().unwrap();
        let (mut value, mut length) = ([0; 4], 4);
        #[expect(unsafe_code, reason = "no crate has a safe function for the option")]
        // SAFETY: the socket is open, and the system writes at most `length` bytes to `value`.
        let result = unsafe {
            let value = value.as_mut_ptr();
            getsockopt(
                handle,
                SOL_SOCKET,
                SO_EXCLUSIVEADDRUSE,
                value,
                &raw mut length,
            )
        };
        assert_eq!((result, i32::from_ne_bytes(value)), (0, 1));
        let intruder = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        intruder.set_reuse_address(true).unwrap();
        let error = intruder.bind(&address.into()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
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
