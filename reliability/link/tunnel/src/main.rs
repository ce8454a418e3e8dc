//! A bad line: two TUN interfaces, and packets that are delayed, lost, doubled, overtaken, corrupted
//! or cut into fragments on their way from one to the other.
//!
//! ```text
//! lossy-tunnel SEED PROFILE
//! ```
//!
//! makes the interfaces `near` and `far` and prints one line when they are there; they can then be
//! moved into other network namespaces. It ends with its standard input, and the interfaces with it.
//! When it ends it prints what it has done to how many packets.
//!
//! A profile is a list of `name=value`, with commas between: `delay` and `jitter` in milliseconds;
//! `loss`, `duplicate`, `reorder` and `corrupt` in percent of the packets; `rate` in kilobytes a
//! second; `fragment`, the size of the fragments in bytes. Effects that are left out do not happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// The largest packet there is.
const LARGEST: usize = 65536;

/// The bytes of an IPv4 header without options.
const HEADER: usize = 20;

/// `IFF_TUN | IFF_NO_PI`: bare IP packets.
const BARE_TUN: u16 = 0x0001 | 0x1000;

/// `TUNSETIFF`.
const SET_INTERFACE: u64 = 0x4004_54ca;

/// `struct ifreq`, as far as this request reads it.
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

#[allow(
    unsafe_code,
    reason = "nothing but this system call makes a TUN interface"
)]
fn set_interface(file: RawFd, interface: &mut Interface) -> io::Result<()> {
    unsafe extern "C" {
        fn ioctl(file: i32, request: u64, ...) -> i32;
    }
    // SAFETY: the kernel reads and writes no more than a `struct ifreq`, which is 40 bytes here.
    let result = unsafe { ioctl(file, SET_INTERFACE, std::ptr::from_mut(interface)) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes an interface; what is written to the file comes out of it.
fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    let mut interface = Interface {
        name: [0; 16],
        flags: BARE_TUN,
        rest: [0; 22],
    };
    for (slot, byte) in interface.name.iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    set_interface(file.as_raw_fd(), &mut interface)?;
    Ok(file)
}

/// The effects of the link on packets.
#[derive(Clone, Copy, Default)]
struct Profile {
    delay: f64,
    jitter: f64,
    loss: f64,
    duplicate: f64,
    reorder: f64,
    corrupt: f64,
    rate: f64,
    fragment: f64,
}

impl Profile {
    fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let mut profile = Self::default();
        for setting in text.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').ok_or("name=value")?;
            let slot = match name {
                "delay" => &mut profile.delay,
                "jitter" => &mut profile.jitter,
                "loss" => &mut profile.loss,
                "duplicate" => &mut profile.duplicate,
                "reorder" => &mut profile.reorder,
                "corrupt" => &mut profile.corrupt,
                "rate" => &mut profile.rate,
                "fragment" => &mut profile.fragment,
                _ => return Err(format!("{name}: no such setting").into()),
            };
            *slot = value.parse()?;
        }
        Ok(profile)
    }
}

/// A generator of numbers that are random enough (xorshift64*), and the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From zero to one.
    #[allow(clippy::cast_precision_loss, reason = "random all the same")]
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn happens(&mut self, percent: f64) -> bool {
        percent > 0.0 && self.share() * 100.0 < percent
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap_or_default() % bound.max(1)
    }
}

/// A packet on its way. The order is that of arrival.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Travelling {
    arrives: Instant,
    number: u64,
    side: usize,
    packet: Vec<u8>,
}

/// Counters of the effects, to show that they happened.
#[derive(Default)]
struct Counts {
    packets: u64,
    lost: u64,
    duplicated: u64,
    overtaken: u64,
    corrupted: u64,
    fragmented: u64,
}

struct Line {
    profile: Profile,
    dice: Dice,
    travelling: BinaryHeap<Reverse<Travelling>>,
    /// When the last packet of each direction arrives, and when the last byte has passed the
    /// bottleneck.
    last: [Instant; 2],
    free: [Instant; 2],
    /// Packets and fragments ever.
    sent: u64,
    counts: Counts,
}

impl Line {
    fn new(profile: Profile, seed: u64) -> Self {
        let now = Instant::now();
        Self {
            profile,
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            travelling: BinaryHeap::new(),
            last: [now; 2],
            free: [now; 2],
            sent: 0,
            counts: Counts::default(),
        }
    }

    /// Takes a packet that came from `side`.
    fn take(&mut self, side: usize, packet: Vec<u8>, now: Instant) {
        self.counts.packets += 1;
        if self.dice.happens(self.profile.loss) {
            self.counts.lost += 1;
            return;
        }
        if self.dice.happens(self.profile.duplicate) {
            self.counts.duplicated += 1;
            self.send(side, packet.clone(), now);
        }
        self.send(side, packet, now);
    }

    #[allow(clippy::cast_precision_loss, reason = "packets are small")]
    fn send(&mut self, side: usize, mut packet: Vec<u8>, now: Instant) {
        let Profile {
            delay,
            jitter,
            reorder,
            corrupt,
            rate,
            fragment,
            ..
        } = self.profile;
        if self.dice.happens(corrupt) && packet.len() > HEADER {
            self.counts.corrupted += 1;
            // Behind the IP header, so that TCP has to notice.
            let position = HEADER + self.dice.below(packet.len() - HEADER);
            packet[position] ^= 1 << self.dice.below(8);
        }
        let mut leaves = now;
        if rate > 0.0 {
            leaves = self.free[side].max(now);
            // A router that keeps a quarter of a second of packets, and drops the others.
            if leaves - now > Duration::from_millis(250) {
                self.counts.lost += 1;
                return;
            }
            self.free[side] = leaves + Duration::from_secs_f64(packet.len() as f64 / rate / 1000.0);
        }
        let wander = jitter * (2.0 * self.dice.share() - 1.0);
        let mut arrives = leaves + Duration::from_secs_f64((delay + wander).max(0.0) / 1000.0);
        if self.dice.happens(reorder) {
            // It is held up, and those behind it overtake.
            self.counts.overtaken += 1;
            let extra = 1.0 + delay.max(5.0) * self.dice.share();
            arrives += Duration::from_secs_f64(extra / 1000.0);
        } else {
            arrives = arrives.max(self.last[side]);
            self.last[side] = arrives;
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size in bytes"
        )]
        let pieces = match fragment as usize {
            0 => vec![packet],
            largest => fragments(&packet, largest),
        };
        self.counts.fragmented += u64::from(pieces.len() > 1);
        for packet in pieces {
            self.sent += 1;
            let number = self.sent;
            self.travelling.push(Reverse(Travelling {
                arrives,
                number,
                side,
                packet,
            }));
        }
    }

    /// The next packet that has arrived, or how long to wait for it.
    fn arrived(&mut self, now: Instant) -> Result<Travelling, Option<Duration>> {
        match self.travelling.peek() {
            Some(Reverse(next)) if next.arrives <= now => {
                self.travelling.pop().map(|Reverse(next)| next).ok_or(None)
            }
            Some(Reverse(next)) => Err(Some(next.arrives - now)),
            None => Err(None),
        }
    }
}

/// Cuts an IPv4 packet into fragments of at most `size` bytes, as a router would whose next link takes
/// no more. It does so even where the sender has forbidden it.
fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let is_plain_ipv4 = packet.first() == Some(&0x45);
    if packet.len() <= size || !is_plain_ipv4 {
        return vec![packet.to_vec()];
    }
    let (header, payload) = packet.split_at(HEADER);
    // Offsets are counted in eights.
    let each = ((size - HEADER) / 8 * 8).max(8);
    let count = payload.len().div_ceil(each);
    payload
        .chunks(each)
        .enumerate()
        .map(|(index, piece)| {
            let mut fragment = [header, piece].concat();
            let length = u16::try_from(fragment.len()).unwrap_or(u16::MAX);
            let offset = u16::try_from(index * each / 8).unwrap_or(u16::MAX);
            let more = u16::from(index + 1 < count) << 13;
            fragment[2..4].copy_from_slice(&length.to_be_bytes());
            fragment[6..8].copy_from_slice(&(more | offset).to_be_bytes());
            fragment[10..12].fill(0);
            let sum = checksum(&fragment[..HEADER]);
            fragment[10..12].copy_from_slice(&sum.to_be_bytes());
            fragment
        })
        .collect()
}

/// That of the header of IPv4.
fn checksum(header: &[u8]) -> u16 {
    let words = header
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// Messages of the threads to the link.
enum Message {
    Packet(usize, Vec<u8>),
    End,
}

fn read_packets(mut from: File, side: usize, to: &Sender<Message>) {
    let mut room = vec![0; LARGEST];
    while let Ok(length) = from.read(&mut room) {
        if to
            .send(Message::Packet(side, room[..length].to_vec()))
            .is_err()
        {
            return;
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [seed, profile] = arguments.as_slice() else {
        return Err("lossy-tunnel SEED PROFILE".into());
    };
    let mut line = Line::new(Profile::parse(profile)?, seed.parse()?);
    let mut ends = [open("near")?, open("far")?];
    let (sender, messages) = mpsc::channel();
    for (side, end) in ends.iter().enumerate() {
        let (end, sender) = (end.try_clone()?, sender.clone());
        thread::spawn(move || read_packets(end, side, &sender));
    }
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = sender.send(Message::End);
    });
    println!("ready");
    loop {
        let wait = match line.arrived(Instant::now()) {
            Ok(Travelling { side, packet, .. }) => {
                // An interface that is down takes nothing.
                let _ = ends[1 - side].write(&packet);
                continue;
            }
            Err(wait) => wait.unwrap_or(Duration::from_secs(3600)),
        };
        match messages.recv_timeout(wait) {
            Ok(Message::Packet(side, packet)) => line.take(side, packet, Instant::now()),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let Counts {
        packets,
        lost,
        duplicated,
        overtaken,
        corrupted,
        fragmented,
    } = line.counts;
    println!(
        "{{\"packets\":{packets},\"lost\":{lost},\"duplicated\":{duplicated},\
         \"overtaken\":{overtaken},\"corrupted\":{corrupted},\"fragmented\":{fragmented}}}"
    );
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("lossy-tunnel: {error}");
        process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(length: usize) -> Vec<u8> {
        let mut packet: Vec<u8> = (0..=255).cycle().take(length).collect();
        packet[0] = 0x45;
        packet
    }

    #[test]
    fn fragments_are_together_what_was_cut_and_each_has_a_sound_header() {
        let whole = packet(1000);
        let pieces = fragments(&whole, 300);
        let mut payload = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            assert!(piece.len() <= 300);
            assert_eq!(checksum(&piece[..HEADER]), 0);
            let field = u16::from_be_bytes([piece[6], piece[7]]);
            assert_eq!(usize::from(field & 0x1fff) * 8, payload.len());
            assert_eq!(field & 0x2000 != 0, index + 1 < pieces.len());
            payload.extend_from_slice(&piece[HEADER..]);
        }
        assert_eq!(payload, whole[HEADER..]);
    }

    #[test]
    fn a_line_without_faults_keeps_the_order_and_loses_nothing() {
        let profile = Profile::parse("delay=10,jitter=10").unwrap();
        let mut line = Line::new(profile, 1);
        let now = Instant::now();
        for length in 100..200 {
            line.take(0, packet(length), now);
        }
        let later = now + Duration::from_secs(1);
        for length in 100..200 {
            let Ok(next) = line.arrived(later) else {
                panic!("one is missing")
            };
            assert_eq!(next.packet.len(), length);
        }
        assert!(line.arrived(later).is_err());
    }

    #[test]
    fn faults_come_as_often_as_they_should() {
        let profile = Profile::parse("loss=10,duplicate=10,reorder=10,corrupt=10").unwrap();
        let mut line = Line::new(profile, 7);
        for _ in 0..10_000 {
            line.take(0, packet(100), Instant::now());
        }
        let Counts {
            lost,
            duplicated,
            overtaken,
            corrupted,
            ..
        } = line.counts;
        for count in [lost, duplicated, overtaken, corrupted] {
            assert!((800..1200).contains(&count), "{count}");
        }
    }
}
