//! Which address of a name: all of them, families in turn, each begun a little after the last, and the
//! first that works (RFC 8305). A family that leads nowhere then costs a moment, not a time-out.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::select_all;

/// Between two attempts, unless one fails sooner (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// The first attempt that works; else the last error, or the first that is `final`: then no other
/// address would do better. `None` without any address.
pub async fn first<T, E, F: Future<Output = Result<T, E>>>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
    is_final: impl Fn(&E) -> bool,
) -> Option<Result<T, E>> {
    let mut waiting = in_turn(addresses).into_iter().peekable();
    // No more than there are addresses.
    let mut attempts = Vec::new();
    let mut last = None;
    loop {
        match waiting.next() {
            Some(address) => attempts.push(Box::pin(attempt(address))),
            None if attempts.is_empty() => return last.map(Err),
            None => {}
        }
        tokio::select! {
            (tried, place, _) = select_all(&mut attempts) => {
                match tried {
                    Err(error) if !is_final(&error) => last = Some(error),
                    ended => return Some(ended),
                }
                drop(attempts.swap_remove(place));
            }
            () = tokio::time::sleep(ATTEMPT_DELAY), if waiting.peek().is_some() => {}
        }
    }
}

/// The families in turn, beginning with that of the first address: the system has put the best first.
fn in_turn(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if all.len() < ADDRESSES_MAX && !all.contains(&address) {
            all.push(address);
        }
    }
    let first_is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        all.iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut turns = Vec::with_capacity(all.len());
    for place in 0..first.len().max(second.len()) {
        turns.extend([&first, &second].into_iter().filter_map(|family| family.get(place)));
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_nothing_is_tried_twice() {
        let addresses = ["[::1]:1", "[::2]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"].map(at);
        let wanted = ["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"].map(at);
        assert_eq!(in_turn(addresses), wanted);
        assert_eq!(in_turn((0..99).map(|port| ([127, 0, 0, 1], port).into())).len(), ADDRESSES_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_family_that_leads_nowhere_costs_a_moment() {
        let addresses = ["[::1]:1", "10.0.0.1:1"].map(at);
        let began = tokio::time::Instant::now();
        let dial = async |to: SocketAddr| match to {
            SocketAddr::V6(_) => pending().await,
            SocketAddr::V4(_) => Ok::<_, ()>(to),
        };
        assert_eq!(first(addresses, dial, |()| false).await, Some(Ok(addresses[1])));
        assert_eq!(began.elapsed(), ATTEMPT_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_followed_at_once_and_a_final_one_by_nothing() {
        let addresses = ["[::1]:1", "10.0.0.1:1", "10.0.0.2:1"].map(at);
        let began = tokio::time::Instant::now();
        let dial = async |to: SocketAddr| Err::<(), _>(to);
        assert_eq!(first(addresses, dial, |_| false).await, Some(Err(addresses[2])));
        assert_eq!(first(addresses, dial, |_| true).await, Some(Err(addresses[0])));
        assert_eq!(first([], dial, |_| true).await, None);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
