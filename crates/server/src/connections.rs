//! Who holds a connection. A place belongs to whoever is being served; a connection that only waits, or that
//! sends its request slowly, gives way when there is no place left, and is cut when it takes too long.

use ipnet::IpNet;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How much of the server's connections a caller may take, and for how long.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections in all.
    pub total: usize,
    /// Connections of one IPv4 address or one IPv6 network of 64 bits.
    pub per_network: usize,
    /// The time from the first byte of a request's head to its last, and from a connection's start to it.
    pub head: Duration,
    /// The time that the body of a request may take.
    pub body: Duration,
    /// How long a connection may wait for its next request. Longer than a proxy keeps it, so that the proxy ends it.
    pub idle: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        let (head, body) = (Duration::from_secs(10), Duration::from_secs(10));
        Self { total: 1024, per_network: 256, head, body, idle: Duration::from_secs(75) }
    }
}

/// A browser opens six connections, and a house has a few of them: holding so many is nothing to be blamed for.
const ORDINARY: usize = 16;

/// One in so many places is made free at once.
const AT_ONCE: usize = 64;

/// What one person can easily have many addresses of: an IPv4 address, or 64 bits of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Network(IpAddr);

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() & !0 << 64).into()),
            v4 => Self(v4),
        }
    }
}

/// What is known of one connection.
struct State {
    /// Requests that are not answered yet.
    open: usize,
    /// Those of them that have arrived whole: somebody is being served.
    whole: usize,
    /// Since when nothing useful has happened.
    quiet: Instant,
    /// When the head began that is arriving now.
    head: Option<Instant>,
    /// Whether a request has come at all.
    served: bool,
    /// Whether a whole request was answered: what only holds a place never gets there.
    answered: bool,
    /// Several requests share the connection, and bytes that are no head flow all the time.
    http2: bool,
}

/// One connection, as the table sees it.
pub(crate) struct Seat {
    network: Network,
    /// It speaks for many, and holds what they hold.
    is_proxy: bool,
    state: Mutex<State>,
}

impl Seat {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came.
    pub(crate) fn heard(&self) {
        let mut state = self.state();
        if state.open == 0 && state.head.is_none() {
            state.head = Some(Instant::now());
        }
    }

    /// Bytes of an answer were taken.
    pub(crate) fn told(&self) {
        let mut state = self.state();
        if !state.http2 {
            state.quiet = Instant::now();
        }
    }

    /// A request's head has arrived; its end is the drop of what this returns.
    pub(crate) fn begin(self: &Arc<Self>, http2: bool) -> Arc<Asked> {
        let mut state = self.state();
        (state.open, state.head, state.served, state.http2) = (state.open + 1, None, true, http2);
        drop(state);
        Arc::new(Asked { seat: Arc::clone(self), whole: Mutex::new(false) })
    }

    /// Whether no request has come yet.
    pub(crate) fn is_fresh(&self) -> bool {
        !self.state().served
    }

    /// When the connection has waited long enough; none while a request is being answered.
    fn deadline(&self, limits: &ConnectionLimits) -> Option<Instant> {
        let state = self.state();
        let quiet = state.quiet + if state.served { limits.idle } else { limits.head };
        let head = state.head.filter(|_| !state.http2).map_or(quiet, |head| head + limits.head);
        (state.open == 0).then_some(quiet.min(head))
    }

    /// Until the connection has waited too long for a request.
    pub(crate) async fn overdue(&self, limits: &ConnectionLimits) {
        loop {
            let now = Instant::now();
            match self.deadline(limits) {
                Some(at) if at <= now => return,
                Some(at) => tokio::time::sleep_until(at).await,
                None => tokio::time::sleep(limits.head).await,
            }
        }
    }
}

/// A request that is being answered. The end of its answer is the end of this.
pub(crate) struct Asked {
    seat: Arc<Seat>,
    whole: Mutex<bool>,
}

impl Asked {
    /// Whether its body has arrived.
    pub(crate) fn is_whole(&self) -> bool {
        *self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its body has arrived; says whether that was known.
    pub(crate) fn arrived(&self) -> bool {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::replace(&mut *whole, true);
        if !known {
            self.seat.state().whole += 1;
        }
        known
    }
}

/// Ends the request of an answer when the answer has left.
pub(crate) struct Ending(pub(crate) Arc<Asked>);

impl Drop for Ending {
    fn drop(&mut self) {
        // Whatever is still to come of the body serves nobody.
        let was_whole = self.0.arrived();
        let mut state = self.0.seat.state();
        (state.open, state.whole, state.quiet) = (state.open - 1, state.whole - 1, Instant::now());
        state.answered |= was_whole;
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

/// What is counted of connections.
#[derive(Clone, Default)]
pub(crate) struct ConnectionMetrics {
    /// Open now.
    pub(crate) open: Gauge,
    ended: Family<Why, Counter>,
}

impl ConnectionMetrics {
    pub(crate) fn register(&self, registry: &mut prometheus_client::registry::Registry) {
        registry.register("connections", "Connections that are open", self.open.clone());
        let help = "Connections that were cut: slow, evicted for another, refused since all were busy";
        registry.register("connections_cut", help, self.ended.clone());
    }

    fn cut(&self, why: &'static str) {
        self.ended.get_or_create(&Why { why }).inc();
    }
}

struct Row {
    seat: Arc<Seat>,
    /// Ends the connection's task, once it has one.
    task: Option<AbortHandle>,
}

#[derive(Default)]
struct Table {
    rows: HashMap<u64, Row>,
    networks: HashMap<Network, usize>,
    last: u64,
}

impl Table {
    fn held(&self, network: Network) -> usize {
        self.networks.get(&network).copied().unwrap_or_default()
    }

    fn remove(&mut self, id: u64) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        if let Some(held) = self.networks.get_mut(&row.seat.network) {
            *held -= 1;
            if *held == 0 {
                self.networks.remove(&row.seat.network);
            }
        }
        Some(row)
    }
}

/// All connections of a listener. Clones share one table.
#[derive(Clone)]
pub(crate) struct Connections {
    table: Arc<Mutex<Table>>,
    pub(crate) limits: Arc<ConnectionLimits>,
    trusted: Arc<[IpNet]>,
    metrics: ConnectionMetrics,
}

impl Connections {
    /// An empty table. `trusted` are proxies, which speak for many.
    pub(crate) fn new(limits: ConnectionLimits, trusted: &[IpNet], metrics: ConnectionMetrics) -> Self {
        Self { table: Arc::default(), limits: Arc::new(limits), trusted: trusted.into(), metrics }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&peer.to_canonical()))
    }

    /// A place for a connection from there; where there is none, whoever holds one without being served gives way.
    /// None where everybody is being served.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Place> {
        let (network, is_proxy) = (Network::of(peer), self.is_trusted(peer));
        let mut table = self.table();
        let full = if !is_proxy && table.held(network) >= self.limits.per_network {
            Some(Some(network))
        } else {
            (table.rows.len() >= self.limits.total).then_some(None)
        };
        if full.is_some_and(|among| !self.evict(&mut table, among)) {
            self.metrics.cut("refused");
            return None;
        }
        table.last += 1;
        *table.networks.entry(network).or_default() += 1;
        let quiet = Instant::now();
        let state =
            State { open: 0, whole: 0, quiet, head: None, served: false, answered: false, http2: false };
        let (id, seat) = (table.last, Arc::new(Seat { network, is_proxy, state: Mutex::new(state) }));
        table.rows.insert(id, Row { seat: Arc::clone(&seat), task: None });
        self.metrics.open.set(i64::try_from(table.rows.len()).unwrap_or(i64::MAX));
        Some(Place { id, seat, connections: self.clone() })
    }

    /// Ends the connections that deserve their places least: those that never asked anything to its end, then those of a
    /// network that holds many, and among them those that have waited longest. A few at once, since looking at all of
    /// them for every newcomer would be what an attacker wants.
    fn evict(&self, table: &mut Table, among: Option<Network>) -> bool {
        let waiting = table.rows.iter().filter(|(_, row)| {
            among.is_none_or(|network| row.seat.network == network) && row.seat.state().whole == 0
        });
        let rank = |row: &Row| {
            let held = if row.seat.is_proxy { 0 } else { table.held(row.seat.network) };
            let state = row.seat.state();
            (!state.answered, held / ORDINARY, Reverse(state.quiet))
        };
        let mut waiting: Vec<_> = waiting.map(|(id, row)| (Reverse(rank(row)), *id)).collect();
        let most = if among.is_some() { self.limits.per_network } else { self.limits.total };
        let count = (most / AT_ONCE).clamp(1, waiting.len().max(1));
        if waiting.len() > count {
            waiting.select_nth_unstable(count - 1);
        }
        for (_, id) in waiting.iter().take(count) {
            if let Some(task) = table.remove(*id).and_then(|row| row.task) {
                task.abort();
            }
            self.metrics.cut("evicted");
        }
        !waiting.is_empty()
    }

    /// Makes room where the system has no more file handles.
    pub(crate) fn give_way(&self) {
        self.evict(&mut self.table(), None);
    }
}

/// A connection's place in the table, given back when it is dropped.
pub(crate) struct Place {
    id: u64,
    pub(crate) seat: Arc<Seat>,
    connections: Connections,
}

impl Place {
    /// Until the connection has waited too long, which is counted.
    pub(crate) async fn overdue(&self) {
        self.seat.overdue(&self.connections.limits).await;
        self.connections.metrics.cut("slow");
    }

    /// What names this place in [`Connections::served_by`].
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        table.remove(self.id);
        self.connections.metrics.open.set(i64::try_from(table.rows.len()).unwrap_or(i64::MAX));
    }
}

impl Connections {
    /// Notes which task serves a place, so that the place can be taken from it.
    pub(crate) fn served_by(&self, id: u64, task: AbortHandle) {
        match self.table().rows.get_mut(&id) {
            Some(row) => row.task = Some(task),
            // It ended, or had to go, in between.
            None => task.abort(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_network: usize, trusted: &[&str]) -> Connections {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let limits = ConnectionLimits { total, per_network, ..ConnectionLimits::default() };
        Connections::new(limits, &trusted, ConnectionMetrics::default())
    }

    fn is_here(connections: &Connections, place: &Place) -> bool {
        connections.table().rows.contains_key(&place.id)
    }

    /// Somebody who is being served.
    fn busy(place: &Place) -> Ending {
        let asked = place.seat.begin(false);
        asked.arrived();
        Ending(asked)
    }

    fn admit(connections: &Connections, peer: &str) -> Option<Place> {
        connections.admit(peer.parse().unwrap())
    }

    /// Lets time pass for it.
    fn age(place: &Place, time: Duration) {
        let mut state = place.seat.state();
        state.quiet -= time;
        state.head = state.head.map(|head| head - time);
    }

    #[test]
    fn t41_whoever_never_asked_gives_way_then_whoever_holds_many() {
        let connections = connections(36, 32, &[]);
        let good: Vec<_> = (0..3).map(|_| admit(&connections, "192.0.2.1").unwrap()).collect();
        let hoard: Vec<_> = (0..32).map(|_| admit(&connections, "192.0.2.9").unwrap()).collect();
        let single = admit(&connections, "192.0.2.8").unwrap();
        for place in good.iter().chain(&hoard) {
            drop(busy(place));
        }
        good.iter().for_each(|place| age(place, Duration::from_secs(9)));
        let first = admit(&connections, "192.0.2.2").unwrap();
        assert!(!is_here(&connections, &single), "it never asked anything");
        drop(busy(&first));
        age(&hoard[7], Duration::from_secs(1));
        let _second = admit(&connections, "192.0.2.3").unwrap();
        assert!(!is_here(&connections, &hoard[7]));
        assert!(good.iter().all(|place| is_here(&connections, place)), "they wait longer, but are few");
    }

    #[test]
    fn t41_whoever_is_served_stays_and_a_body_under_way_is_not_that() {
        let connections = connections(2, 2, &[]);
        let (first, second) =
            (admit(&connections, "192.0.2.1").unwrap(), admit(&connections, "192.0.2.2").unwrap());
        let (_served, slow) = (busy(&first), second.seat.begin(false));
        let third = admit(&connections, "192.0.2.3").unwrap();
        assert!(is_here(&connections, &first) && !is_here(&connections, &second));
        drop(slow);
        let _busy = busy(&third);
        assert!(admit(&connections, "192.0.2.4").is_none(), "everybody is being served");
        drop(third);
        assert!(admit(&connections, "192.0.2.4").is_some());
    }

    #[test]
    fn t41_a_network_has_its_share_and_a_trusted_proxy_speaks_for_many() {
        let connections = connections(100, 2, &["10.0.0.0/8", "2001:db8:9::7/128"]);
        let mine: Vec<_> = (0..3).map(|n| admit(&connections, &format!("2001:db8::{n}")).unwrap()).collect();
        assert!(!is_here(&connections, &mine[0]), "64 bits are one network");
        assert!(is_here(&connections, &mine[2]));
        let other = admit(&connections, "2001:db8:0:1::1").unwrap();
        assert!(is_here(&connections, &mine[1]) && is_here(&connections, &other));
        let proxied: Vec<_> = (0..50).map(|_| admit(&connections, "10.1.2.3").unwrap()).collect();
        assert!(proxied.iter().all(|place| is_here(&connections, place)));
        let mapped = admit(&connections, "::ffff:10.1.2.3").unwrap();
        assert_eq!(mapped.seat.network, proxied[0].seat.network);
        let one: Vec<_> = (0..3).map(|_| admit(&connections, "2001:db8:9::7").unwrap()).collect();
        assert!(one.iter().all(|place| is_here(&connections, place)), "a single address can be a proxy");
    }

    #[test]
    fn t41_a_head_has_its_time_and_an_idle_connection_another() {
        let connections = connections(9, 9, &[]);
        let limits = &connections.limits;
        let left = |place: &Place| {
            let at = place.seat.deadline(limits)?;
            Some(at.saturating_duration_since(Instant::now()).as_secs_f64().round())
        };
        let place = admit(&connections, "192.0.2.1").unwrap();
        age(&place, Duration::from_secs(4));
        place.seat.heard();
        assert_eq!(left(&place), Some(6.0), "the start counts, not the byte");
        let ending = busy(&place);
        assert_eq!(left(&place), None);
        drop(ending);
        assert_eq!(left(&place), Some(75.0));
        place.seat.heard();
        age(&place, Duration::from_secs(9));
        place.seat.heard();
        assert_eq!(left(&place), Some(1.0), "more bytes win no time");
        age(&place, Duration::from_secs(2));
        assert_eq!(left(&place), Some(0.0));
    }

    #[test]
    fn places_are_given_back() {
        let connections = connections(9, 9, &[]);
        drop((admit(&connections, "192.0.2.1"), admit(&connections, "192.0.2.1")));
        let table = connections.table();
        assert!(table.rows.is_empty() && table.networks.is_empty());
    }
}
