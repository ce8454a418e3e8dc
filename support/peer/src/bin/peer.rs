//! The servers: echo, source and sink, each in the clear and over TLS, on several loopback
//! addresses so that ephemeral ports do not run out.
//!
//! Writes one line of JSON with its ports to standard output and ends when standard input does.
//!
//! * echo: sends back what it receives; holds idle connections as well.
//! * source: for every 8 bytes it receives (a little-endian count) sends that many bytes.
//! * sink: reads and forgets.
//! * fleeting: echo whose connections leave nothing behind in the kernel, for millions of them.
//! * transfer: for three little-endian numbers of 8 bytes (how much it will be sent, how much it shall
//!   send, and a seed) receives and sends that at the same time, and then tells in 16 bytes the CRC-32
//!   of either and how much it has received. Its data has no repetitions.
//! * status: sends, as JSON, what the last TLS handshake has negotiated, and closes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bench_peer::{MAX_ADDRESSES, server_config};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::SupportedKxGroup;
use tokio_rustls::server::TlsStream;

const CHUNK: usize = 256 * 1024;
const BACKLOG: u32 = 4096;

static PATTERN: [u8; CHUNK] = [0x5a; CHUNK];
static NEGOTIATED: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// One buffer per thread: idle connections have none.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

#[derive(Clone, Copy)]
enum Role {
    Echo,
    Source,
    Sink,
    Fleeting,
    Transfer,
}

const ROLES: [(&str, Role); 5] = [
    ("echo", Role::Echo),
    ("source", Role::Source),
    ("sink", Role::Sink),
    ("fleeting", Role::Fleeting),
    ("transfer", Role::Transfer),
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(chain), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: peer CHAIN.pem KEY.pem"));
    };
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&chain, &key)?));

    let addresses = usable_addresses();
    let mut groups = Vec::new();
    for (name, acceptor) in [("plain", None), ("tls", Some(acceptor))] {
        let mut ports = Vec::new();
        for (role_name, role) in ROLES {
            let listeners = listen(&addresses)?;
            ports.push(format!("{role_name:?}:{}", port_of(&listeners)?));
            for listener in listeners {
                tokio::spawn(accept(listener, role, acceptor.clone()));
            }
        }
        groups.push(format!("{name:?}:{{{}}}", ports.join(",")));
    }
    let status = listen(&addresses[..1])?;
    groups.push(format!("\"status\":{}", port_of(&status)?));
    for listener in status {
        tokio::spawn(tell_status(listener));
    }
    let names: Vec<_> = addresses.iter().map(|ip| format!("\"{ip}\"")).collect();
    groups.push(format!("\"addresses\":[{}]", names.join(",")));
    println!("{{{}}}", groups.join(","));

    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(())
}

/// All of 127.0.0.0/8 on Linux and Windows, 127.0.0.1 alone on macOS.
fn usable_addresses() -> Vec<Ipv4Addr> {
    (1..=MAX_ADDRESSES)
        .map(|last| Ipv4Addr::new(127, 0, 0, last))
        .filter(|&ip| std::net::TcpListener::bind((ip, 0)).is_ok())
        .collect()
}

/// Listens on one port of all `addresses`.
fn listen(addresses: &[Ipv4Addr]) -> io::Result<Vec<TcpListener>> {
    let mut last_error = io::Error::other("no address to listen on");
    for _ in 0..20 {
        let mut port = 0;
        let listeners: io::Result<Vec<_>> = addresses
            .iter()
            .map(|&ip| {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::from((ip, port)))?;
                let listener = socket.listen(BACKLOG)?;
                port = listener.local_addr()?.port();
                Ok(listener)
            })
            .collect();
        match listeners {
            Ok(listeners) => return Ok(listeners),
            // The port is taken on another of the addresses: try the next.
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

fn port_of(listeners: &[TcpListener]) -> io::Result<u16> {
    let first = listeners
        .first()
        .ok_or_else(|| io::Error::other("no listener"))?;
    Ok(first.local_addr()?.port())
}

async fn accept(listener: TcpListener, role: Role, acceptor: Option<TlsAcceptor>) {
    loop {
        // Out of descriptors, or the client has gone: the next may fare better.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        if matches!(role, Role::Fleeting) {
            let _ = stream.set_zero_linger();
        }
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // How a connection ends is the client's business.
            let _ = match acceptor {
                None => serve(stream, role).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => {
                        note(&stream);
                        serve(stream, role).await
                    }
                    Err(error) => Err(error),
                },
            };
        });
    }
}

fn note(stream: &TlsStream<TcpStream>) {
    let connection = stream.get_ref().1;
    let text = format!(
        "{{\"version\":\"{:?}\",\"cipher\":\"{:?}\",\"group\":\"{:?}\",\"handshake\":\"{:?}\"}}",
        connection.protocol_version(),
        connection
            .negotiated_cipher_suite()
            .map(|suite| suite.suite()),
        connection
            .negotiated_key_exchange_group()
            .map(SupportedKxGroup::name),
        connection.handshake_kind(),
    );
    if let Ok(mut negotiated) = NEGOTIATED.lock() {
        *negotiated = text.replace("Some(", "").replace(')', "");
    }
}

async fn tell_status(listener: TcpListener) {
    loop {
        if let Ok((mut stream, _)) = listener.accept().await {
            let text = NEGOTIATED
                .lock()
                .map(|text| text.clone())
                .unwrap_or_default();
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, role: Role) -> io::Result<()> {
    match role {
        Role::Echo | Role::Fleeting => echo(stream).await,
        Role::Source => source(stream).await,
        Role::Sink => sink(stream).await,
        Role::Transfer => transfer(stream).await,
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    loop {
        let mut rest = Vec::new();
        let count = poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                match Pin::new(&mut stream).poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
                let data = buffer.filled();
                let written = match Pin::new(&mut stream).poll_write(context, data) {
                    Poll::Ready(written) => written?,
                    Poll::Pending => 0,
                };
                rest.extend_from_slice(&data[written..]);
                Poll::Ready(Ok(data.len()))
            })
        })
        .await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&rest).await?;
        stream.flush().await?;
    }
}

async fn source<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    loop {
        let mut left = stream.read_u64_le().await?;
        while left > 0 {
            let count = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            stream.write_all(&PATTERN[..count]).await?;
            left -= count as u64;
        }
        stream.flush().await?;
    }
}

async fn sink<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<()> {
    loop {
        let count = poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                Pin::new(&mut stream)
                    .poll_read(context, &mut buffer)
                    .map_ok(|()| buffer.filled().len())
            })
        })
        .await?;
        if count == 0 {
            return Ok(());
        }
    }
}

async fn transfer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    loop {
        let upload = stream.read_u64_le().await?;
        let download = stream.read_u64_le().await?;
        let seed = stream.read_u64_le().await?;
        let (mut reader, mut writer) = tokio::io::split(&mut stream);
        let (received, sent) = tokio::try_join!(
            receive(&mut reader, upload),
            generate(&mut writer, download, seed)
        )?;
        let mut reply = [0; 16];
        reply[..4].copy_from_slice(&received.0.to_le_bytes());
        reply[4..8].copy_from_slice(&sent.to_le_bytes());
        reply[8..].copy_from_slice(&received.1.to_le_bytes());
        stream.write_all(&reply).await?;
        stream.flush().await?;
    }
}

/// Receives `length` bytes; their checksum, and how many came.
async fn receive(reader: &mut (impl AsyncRead + Unpin), length: u64) -> io::Result<(u32, u64)> {
    let mut checksum = crc32fast::Hasher::new();
    let mut received = 0;
    while received < length {
        let count = poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let most = usize::try_from(length - received).unwrap_or(usize::MAX);
                let most = most.min(buffer.len());
                let mut buffer = ReadBuf::new(&mut buffer[..most]);
                Pin::new(&mut *reader)
                    .poll_read(context, &mut buffer)
                    .map_ok(|()| {
                        checksum.update(buffer.filled());
                        buffer.filled().len()
                    })
            })
        })
        .await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received += count as u64;
    }
    Ok((checksum.finalize(), received))
}

/// Sends `length` bytes, and returns their checksum.
async fn generate(
    writer: &mut (impl AsyncWrite + Unpin),
    length: u64,
    seed: u64,
) -> io::Result<u32> {
    let mut checksum = crc32fast::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut counter = seed;
    let mut left = length;
    while left > 0 {
        for word in chunk.as_chunks_mut::<8>().0 {
            counter = counter.wrapping_add(1);
            let mixed = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *word = (mixed ^ (mixed >> 29)).to_le_bytes();
        }
        let count = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        checksum.update(&chunk[..count]);
        writer.write_all(&chunk[..count]).await?;
        left -= count as u64;
    }
    writer.flush().await?;
    Ok(checksum.finalize())
}
