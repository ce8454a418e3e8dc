//! The floor: the workloads of the benchmark on one thread of epoll and nothing else. Arguments are
//! `name=value`; the figures are written to standard output as JSON.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_peer::{Records, client_config};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// How much one read may bring.
const READ: usize = 256 * 1024;

fn main() -> io::Result<()> {
    let settings = Settings::parse(std::env::args().skip(1))?;
    let kind = settings.kind.clone();
    let meter = Meter::new(&settings);
    let mut client = Client::new(settings, meter)?;
    match kind.as_str() {
        "idle" => client.hold()?,
        _ => client.run()?,
    }
    println!("{}", client.meter.report());
    Ok(())
}

struct Settings {
    kind: String,
    addresses: Vec<IpAddr>,
    port: u16,
    authority: String,
    size: usize,
    connections: usize,
    active_every: usize,
    chunk: u64,
    warmup: Duration,
    duration: Duration,
}

impl Settings {
    fn parse(arguments: impl Iterator<Item = String>) -> io::Result<Self> {
        let values: HashMap<String, String> = arguments
            .filter_map(|argument| {
                let (name, value) = argument.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect();
        let text = |name: &str| values.get(name).cloned().unwrap_or_default();
        let number = |name: &str| text(name).parse::<u64>().map_err(io::Error::other);
        let size = |name: &str| usize::try_from(number(name)?).map_err(io::Error::other);
        Ok(Self {
            kind: text("kind"),
            addresses: text("addresses")
                .split(',')
                .map(|ip| ip.parse().map_err(io::Error::other))
                .collect::<io::Result<_>>()?,
            port: u16::try_from(number("port")?).map_err(io::Error::other)?,
            authority: text("authority"),
            size: size("size")?,
            connections: size("connections")?,
            active_every: size("activeEvery")?.max(1),
            chunk: number("chunk")?,
            warmup: Duration::from_millis(number("warmup")?),
            duration: Duration::from_millis(number("duration")?),
        })
    }
}

/// Counts from the end of the warm-up to the end of the run.
struct Meter {
    warmup: Duration,
    duration: Duration,
    begin: Instant,
    began: Option<(Instant, u64)>,
    operations: u64,
    bytes: u64,
    latencies: Vec<Duration>,
    memory: Option<u64>,
}

impl Meter {
    fn new(settings: &Settings) -> Self {
        Self {
            warmup: settings.warmup,
            duration: settings.duration,
            begin: Instant::now() + settings.warmup,
            began: None,
            operations: 0,
            bytes: 0,
            latencies: Vec::new(),
            memory: None,
        }
    }

    /// To be called when the connections are open and have sent their first messages.
    fn begin(&mut self) {
        self.begin = Instant::now() + self.warmup;
    }

    fn count(&mut self, bytes: usize) {
        self.operations += 1;
        self.bytes += bytes as u64;
    }

    /// Whether the time is up.
    fn tick(&mut self) -> bool {
        let now = Instant::now();
        if self.began.is_none() && now >= self.begin {
            self.began = Some((now, cpu_nanoseconds()));
            self.operations = 0;
            self.bytes = 0;
            self.latencies.clear();
        }
        now >= self.begin + self.duration
    }

    #[allow(clippy::cast_precision_loss, reason = "figures are not that long")]
    fn report(&mut self) -> String {
        if let Some(memory) = self.memory {
            return format!("{{\"memoryPerConnection\":{memory}}}");
        }
        let (began, cpu) = self.began.unwrap_or((self.begin, 0));
        let seconds = began.elapsed().as_secs_f64();
        let cpu = (cpu_nanoseconds() - cpu) as f64 / 1e9;
        let operations = self.operations.max(1) as f64;
        let bytes = self.bytes.max(1) as f64;
        self.latencies.sort_unstable();
        let quantile = |part: usize| {
            let index = self.latencies.len() * part / 100;
            self.latencies.get(index).map_or_else(
                || "null".to_owned(),
                |d| (d.as_nanos() as f64 / 1e3).to_string(),
            )
        };
        format!(
            "{{\"rate\":{},\"throughput\":{},\"p50\":{},\"p99\":{},\"cpuPerOperation\":{},\
             \"cpuPerGigabyte\":{},\"processCpuPerOperation\":{},\"utilisation\":{}}}",
            operations / seconds,
            bytes / seconds,
            quantile(50),
            quantile(99),
            cpu / operations * 1e6,
            cpu / bytes * 1e9,
            cpu / operations * 1e6,
            cpu / seconds,
        )
    }
}

/// CPU time of this process, which has one thread.
fn cpu_nanoseconds() -> u64 {
    first_number("/proc/self/schedstat")
}

fn first_number(path: &str) -> u64 {
    fs::read_to_string(path)
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn resident_bytes() -> u64 {
    fs::read_to_string("/proc/self/smaps_rollup")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("Rss:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(0, |kibibytes| kibibytes * 1024)
}

struct Connection {
    stream: TcpStream,
    tls: Option<ClientConnection>,
    records: Records,
    connected: bool,
    /// Bytes of the message under way that are still to be written.
    to_write: usize,
    /// Bytes of the answer under way that are still to be read.
    to_read: u64,
    since: Instant,
}

impl Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            let record = self.records.next(&mut self.stream)?;
            if record.is_empty() {
                return Ok(0);
            }
            let mut rest = record;
            while !rest.is_empty() {
                tls.read_tls(&mut rest)?;
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.write(data);
        };
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        let count = tls.writer().write(data)?;
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                result => result?,
            };
        }
        Ok(count)
    }

    /// Goes on with the handshake; whether it is done.
    fn shake(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else {
            return Ok(true);
        };
        loop {
            while tls.wants_write() {
                tls.write_tls(&mut self.stream)?;
            }
            if !tls.is_handshaking() {
                return Ok(true);
            }
            if tls.read_tls(&mut self.stream)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

/// There will be an event where the socket was not ready.
fn unless_blocked(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        result => result,
    }
}

struct Client {
    settings: Settings,
    meter: Meter,
    poll: Poll,
    tls: Option<Arc<ClientConfig>>,
    connections: Vec<Option<Connection>>,
    opened: usize,
    message: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    fn new(settings: Settings, meter: Meter) -> io::Result<Self> {
        let tls = if settings.authority.is_empty() {
            None
        } else {
            Some(Arc::new(client_config(&settings.authority)?))
        };
        Ok(Self {
            meter,
            poll: Poll::new()?,
            tls,
            connections: Vec::new(),
            opened: 0,
            message: vec![0x21; settings.size.max(8)],
            buffer: vec![0; READ],
            settings,
        })
    }

    fn open(&mut self, index: usize) -> io::Result<()> {
        let ip = self.settings.addresses[self.opened % self.settings.addresses.len()];
        self.opened += 1;
        let mut stream = TcpStream::connect(SocketAddr::new(ip, self.settings.port))?;
        stream.set_nodelay(true)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(index), interest)?;
        let tls = match &self.tls {
            None => None,
            Some(config) => Some(
                ClientConnection::new(Arc::clone(config), ServerName::from(ip))
                    .map_err(io::Error::other)?,
            ),
        };
        let connection = Connection {
            stream,
            tls,
            records: Records::default(),
            connected: false,
            to_write: 0,
            to_read: 0,
            since: Instant::now(),
        };
        if index == self.connections.len() {
            self.connections.push(Some(connection));
        } else {
            self.connections[index] = Some(connection);
        }
        Ok(())
    }

    fn run(&mut self) -> io::Result<()> {
        let connections = self.settings.connections;
        if self.settings.kind == "pingPong" {
            self.open_all(connections)?;
            for index in (0..connections).step_by(self.settings.active_every) {
                unless_blocked(self.ping_pong(index, true, false))?;
            }
            self.meter.begin();
        } else {
            for index in 0..connections {
                self.open(index)?;
            }
        }
        let mut events = Events::with_capacity(1024);
        while !self.meter.tick() {
            self.poll
                .poll(&mut events, Some(Duration::from_millis(10)))?;
            for event in &events {
                unless_blocked(self.progress(event.token().0))?;
            }
        }
        Ok(())
    }

    /// Opens all connections, a few at a time, and takes the resident memory of the later ones.
    fn hold(&mut self) -> io::Result<()> {
        let total = self.settings.connections;
        let base = total / 10;
        self.open_all(base)?;
        let before = resident_bytes();
        self.open_all(total)?;
        let grown = resident_bytes().saturating_sub(before);
        self.meter.memory = Some(grown / (total - base) as u64);
        Ok(())
    }

    /// Opens connections until there are `total`, a few at a time.
    fn open_all(&mut self, total: usize) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut ready = self.connections.len();
        while ready < total {
            while self.connections.len() < total.min(ready + 64) {
                self.open(self.connections.len())?;
            }
            self.poll.poll(&mut events, None)?;
            for event in &events {
                let index = event.token().0;
                let Some(connection) = &mut self.connections[index] else {
                    continue;
                };
                if connection.connected {
                    continue;
                }
                if let Some(error) = connection.stream.take_error()? {
                    return Err(error);
                }
                if connection.stream.peer_addr().is_err() {
                    continue;
                }
                match connection.shake() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    result => result?,
                };
                connection.connected = true;
                ready += 1;
            }
        }
        Ok(())
    }

    fn progress(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        let fresh = !connection.connected;
        if fresh {
            if let Some(error) = connection.stream.take_error()? {
                return Err(error);
            }
            if connection.stream.peer_addr().is_err() || !connection.shake()? {
                return Ok(());
            }
            connection.connected = true;
        }
        match self.settings.kind.as_str() {
            "pingPong" => self.ping_pong(index, fresh, false),
            "exchange" => self.ping_pong(index, fresh, true),
            "handshake" => {
                self.meter.count(0);
                let since = connection.since;
                self.meter.latencies.push(since.elapsed());
                self.connections[index] = None;
                self.open(index)
            }
            "send" => self.send(index),
            "receive" => self.receive(index, fresh),
            other => Err(io::Error::other(format!("no such workload: {other}"))),
        }
    }

    fn ping_pong(&mut self, index: usize, fresh: bool, once: bool) -> io::Result<()> {
        let size = self.settings.size;
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        if fresh {
            connection.to_write = size;
            connection.to_read = size as u64;
            if !once {
                connection.since = Instant::now();
            }
        }
        loop {
            while connection.to_write > 0 {
                let count = connection.write(&self.message[..connection.to_write])?;
                connection.to_write -= count;
            }
            let count = connection.read(&mut self.buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            connection.to_read -= count as u64;
            if connection.to_read > 0 {
                continue;
            }
            let now = Instant::now();
            self.meter.count(size);
            self.meter.latencies.push(now - connection.since);
            if once {
                self.connections[index] = None;
                return self.open(index);
            }
            connection.since = now;
            connection.to_write = connection.write(&self.message).map(|count| size - count)?;
            connection.to_read = size as u64;
            if connection.to_write == 0 && connection.tls.is_none() {
                // The read was short, so the next one would only say that there is nothing.
                return Ok(());
            }
        }
    }

    fn send(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        loop {
            if connection.to_write == 0 {
                connection.to_write = self.settings.size;
            }
            let count = connection.write(&self.message[..connection.to_write])?;
            connection.to_write -= count;
            if connection.to_write == 0 {
                self.meter.count(self.settings.size);
                if self.meter.operations.is_multiple_of(64) && self.meter.tick() {
                    return Ok(());
                }
            }
        }
    }

    fn receive(&mut self, index: usize, fresh: bool) -> io::Result<()> {
        let chunk = self.settings.chunk;
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        if fresh {
            // Two at a time, so that the source never waits for the next request.
            connection.write(&chunk.to_le_bytes())?;
            connection.write(&chunk.to_le_bytes())?;
            connection.to_read = chunk;
        }
        loop {
            let count = connection.read(&mut self.buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.meter.count(count);
            if self.meter.operations.is_multiple_of(64) && self.meter.tick() {
                return Ok(());
            }
            let count = count as u64;
            if count >= connection.to_read {
                connection.write(&chunk.to_le_bytes())?;
                connection.to_read += chunk;
            }
            connection.to_read -= count;
        }
    }
}
