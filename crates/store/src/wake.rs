//! Waking those who wait for something to be committed. A wake-up only says "look": it carries nothing,
//! several may become one, and who depends on it must look from time to time anyway.

use tokio::sync::watch;

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// An operation became ready to be worked on.
    Operations,
    /// An event was recorded.
    Events,
    /// A line is to be looked at sooner.
    Watch,
    /// A message is to be sent.
    Deliveries,
    /// The fence was lifted.
    Fence,
}

impl Topic {
    /// All topics.
    pub const ALL: [Topic; 5] =
        [Topic::Operations, Topic::Events, Topic::Watch, Topic::Deliveries, Topic::Fence];

    /// The name between nodes (the payload of a PostgreSQL notification).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Topic::Operations => "operations",
            Topic::Events => "events",
            Topic::Watch => "watch",
            Topic::Deliveries => "deliveries",
            Topic::Fence => "fence",
        }
    }
}

/// A set of topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Topics([bool; Topic::ALL.len()]);

impl Topics {
    pub(crate) fn add(&mut self, topic: Topic) {
        self.0[topic as usize] = true;
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.0[*topic as usize])
    }
}

/// The subscribers in this process.
pub(crate) struct Wakeups([watch::Sender<()>; Topic::ALL.len()]);

impl Wakeups {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| watch::Sender::new(())))
    }

    pub(crate) fn wake(&self, topic: Topic) {
        self.0[topic as usize].send_replace(());
    }

    pub(crate) fn subscribe(&self, topic: Topic) -> watch::Receiver<()> {
        self.0[topic as usize].subscribe()
    }
}
