use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd as _;

use rustix::net::{RecvAncillaryBuffer, RecvFlags, recvmsg};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::net::UdpSocket;

use super::{Family, Kind};

/// Asked of the system for answers that arrive while the agent is busy; it may grant less.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

// Classic BPF (linux/bpf_common.h): load a byte, load the length of an IPv4 header, compare, return.
const LOAD_BYTE: u16 = 0x30;
const LOAD_BYTE_BEHIND: u16 = 0x50;
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
const ALL_BYTES: u32 = u32::MAX;

pub(super) fn open(family: Family, kind: Kind) -> io::Result<Socket> {
    let (domain, protocol, any): (_, _, SocketAddr) = match family {
        Family::V4 => (Domain::IPV4, Protocol::ICMPV4, (Ipv4Addr::UNSPECIFIED, 0).into()),
        Family::V6 => (Domain::IPV6, Protocol::ICMPV6, (Ipv6Addr::UNSPECIFIED, 0).into()),
    };
    let kind_of_socket = match kind {
        Kind::Ping => Type::DGRAM,
        Kind::Raw => Type::RAW,
    };
    let socket = Socket::new(domain, kind_of_socket, Some(protocol))?;
    socket.set_nonblocking(true)?;
    // Refused or cut down: answers beyond it are lost like on the line.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    match kind {
        Kind::Ping => {
            socket.bind(&any.into())?;
            want_returned(&socket, family)?;
        }
        Kind::Raw => socket.attach_filter(&filter(family))?,
    }
    Ok(socket)
}

/// Lets through echo replies and what tells of packets that did not arrive. A raw socket would else be
/// filled by neighbour discovery and by what others ask this host.
fn filter(family: Family) -> Vec<SockFilter> {
    // Type numbers: RFC 792 and RFC 4443.
    let (load, wanted): (Vec<SockFilter>, [u32; 3]) = match family {
        // The IPv4 header comes first; its length is in its first byte.
        Family::V4 => (
            vec![
                SockFilter::new(LOAD_HEADER_LENGTH, 0, 0, 0),
                SockFilter::new(LOAD_BYTE_BEHIND, 0, 0, 0),
            ],
            [0, 3, 11],
        ),
        Family::V6 => (vec![SockFilter::new(LOAD_BYTE, 0, 0, 0)], [129, 1, 3]),
    };
    let mut program = load;
    for (kind, to_the_end) in wanted.into_iter().zip([3, 2, 1]) {
        program.push(SockFilter::new(JUMP_IF_EQUAL, to_the_end, 0, kind));
    }
    program.push(SockFilter::new(RETURN, 0, 0, 0));
    program.push(SockFilter::new(RETURN, 0, 0, ALL_BYTES));
    program
}

/// Asks the system to keep messages that the network gives back (IP_RECVERR of ip(7)).
#[expect(unsafe_code, reason = "neither socket2 nor rustix has this option")]
fn want_returned(socket: &Socket, family: Family) -> io::Result<()> {
    let (level, name) = match family {
        Family::V4 => (libc::IPPROTO_IP, libc::IP_RECVERR),
        Family::V6 => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
    };
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, and the value is an int that lives until the call returns.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const on).cast(), length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub(super) fn next_returned(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    let flags = RecvFlags::ERRQUEUE | RecvFlags::DONTWAIT;
    let mut control = RecvAncillaryBuffer::default();
    // Why it came back stands in the control data, which nobody needs.
    let got = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags).ok()?;
    Some((got.bytes, got.address?.try_into().ok()?))
}
